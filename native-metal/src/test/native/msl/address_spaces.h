// Address spaces, scalar types and what every other header needs.
#pragma once

#ifdef MSL_STRICT
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION __cl_clang_non_portable_kernel_param_types : enable
#define device __global
// A constant is const in Metal; without that, tables would not convert to pointers to constant.
#define constant const __constant
#define threadgroup __local
#define thread __private
#define kernel __kernel
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned long size_t;
typedef long ptrdiff_t;
#else
#include <stddef.h>
#include <stdint.h>

#include "../executor/kernel_interface.h"
#define device
#define constant const
#define threadgroup
#define thread
#define kernel static
typedef _Float16 half;
#endif

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __bf16 bfloat;

#define INFINITY (__builtin_inff())
#define NAN (__builtin_nanf(""))
#define M_PI_F 3.14159265358979323846f
#define FLT_MAX 3.402823466e+38f
#define FLT_MIN 1.175494351e-38f
#define UINT_MAX 0xffffffffu
#define INT_MAX 0x7fffffff

namespace metal {

template <typename A, typename B> struct is_same { enum { value = 0 }; };
template <typename A> struct is_same<A, A> { enum { value = 1 }; };
template <typename A, typename B> constexpr constant bool is_same_v = is_same<A, B>::value;

template <bool condition, typename T = void> struct enable_if {};
template <typename T> struct enable_if<true, T> { typedef T type; };
template <bool condition, typename T = void> using enable_if_t = typename enable_if<condition, T>::type;

template <bool condition, typename X, typename Y> struct conditional { typedef X type; };
template <typename X, typename Y> struct conditional<false, X, Y> { typedef Y type; };
template <bool condition, typename X, typename Y> using conditional_t = typename conditional<condition, X, Y>::type;

}
