// Functions as overloads for each type, as Metal has them: a call with arguments of different types is ambiguous here, too.
#pragma once

#define MSL_FLOAT_VECTORS(X, name) X(name, half2) X(name, half3) X(name, half4) X(name, float2) X(name, float3) X(name, float4)
#define MSL_INTEGERS(X, name) X(name, char) X(name, uchar) X(name, short) X(name, ushort) X(name, int) X(name, uint) X(name, long) X(name, ulong)

#ifdef MSL_STRICT

#define MSL_DECLARE1(name, T) T name(T);
#define MSL_DECLARE2(name, T) T name(T, T);
#define MSL_DECLARE3(name, T) T name(T, T, T);
#define MSL_UNARY(name, formula) MSL_DECLARE1(name, half) MSL_DECLARE1(name, float) MSL_FLOAT_VECTORS(MSL_DECLARE1, name)
#define MSL_BINARY(name, formula) MSL_DECLARE2(name, half) MSL_DECLARE2(name, float) MSL_FLOAT_VECTORS(MSL_DECLARE2, name)
#define MSL_TERNARY(name, formula) MSL_DECLARE3(name, half) MSL_DECLARE3(name, float) MSL_FLOAT_VECTORS(MSL_DECLARE3, name)
#define MSL_INTEGER_BINARY_OF(name, T) T name(T, T); T##2 name(T##2, T##2); T##3 name(T##3, T##3); T##4 name(T##4, T##4);
#define MSL_INTEGER_TERNARY_OF(name, T) T name(T, T, T); T##2 name(T##2, T##2, T##2); T##3 name(T##3, T##3, T##3); T##4 name(T##4, T##4, T##4);

#else

#define MSL_EACH1(name, V) inline V name(V x) { V r; for (int i = 0; i < (int)msl_shape<V>::size; i++) r[i] = name(x[i]); return r; }
#define MSL_EACH2(name, V) inline V name(V x, V y) { V r; for (int i = 0; i < (int)msl_shape<V>::size; i++) r[i] = name(x[i], y[i]); return r; }
#define MSL_EACH3(name, V) inline V name(V x, V y, V z) { V r; for (int i = 0; i < (int)msl_shape<V>::size; i++) r[i] = name(x[i], y[i], z[i]); return r; }
#define MSL_UNARY(name, formula)                            \
    inline float name(float x) { return formula; }          \
    inline half name(half x) { return (half)name((float)x); } \
    MSL_FLOAT_VECTORS(MSL_EACH1, name)
#define MSL_BINARY(name, formula)                                             \
    inline float name(float x, float y) { return formula; }                   \
    inline half name(half x, half y) { return (half)name((float)x, (float)y); } \
    MSL_FLOAT_VECTORS(MSL_EACH2, name)
#define MSL_TERNARY(name, formula)                                                                   \
    inline float name(float x, float y, float z) { return formula; }                                 \
    inline half name(half x, half y, half z) { return (half)name((float)x, (float)y, (float)z); }      \
    MSL_FLOAT_VECTORS(MSL_EACH3, name)
#define MSL_INTEGER_BINARY_OF(name, T) inline T name(T x, T y) { return msl_##name(x, y); } MSL_EACH2(name, T##2) MSL_EACH2(name, T##3) MSL_EACH2(name, T##4)
#define MSL_INTEGER_TERNARY_OF(name, T) inline T name(T x, T y, T z) { return msl_##name(x, y, z); } MSL_EACH3(name, T##2) MSL_EACH3(name, T##3) MSL_EACH3(name, T##4)

#endif

#define MSL_FUNCTIONS                                        \
    MSL_UNARY(exp, __builtin_expf(x))                        \
    MSL_UNARY(exp2, __builtin_exp2f(x))                      \
    MSL_UNARY(exp10, __builtin_powf(10.0f, x))               \
    MSL_UNARY(log, __builtin_logf(x))                        \
    MSL_UNARY(log2, __builtin_log2f(x))                      \
    MSL_UNARY(log10, __builtin_log10f(x))                    \
    MSL_UNARY(sqrt, __builtin_sqrtf(x))                      \
    MSL_UNARY(rsqrt, 1.0f / __builtin_sqrtf(x))              \
    MSL_UNARY(sin, __builtin_sinf(x))                        \
    MSL_UNARY(cos, __builtin_cosf(x))                        \
    MSL_UNARY(tan, __builtin_tanf(x))                        \
    MSL_UNARY(atan, __builtin_atanf(x))                      \
    MSL_UNARY(sinh, __builtin_sinhf(x))                      \
    MSL_UNARY(cosh, __builtin_coshf(x))                      \
    MSL_UNARY(tanh, __builtin_tanhf(x))                      \
    MSL_UNARY(abs, __builtin_fabsf(x))                       \
    MSL_UNARY(fabs, __builtin_fabsf(x))                      \
    MSL_UNARY(floor, __builtin_floorf(x))                    \
    MSL_UNARY(ceil, __builtin_ceilf(x))                      \
    MSL_UNARY(round, __builtin_roundf(x))                    \
    MSL_UNARY(rint, __builtin_rintf(x))                      \
    MSL_UNARY(trunc, __builtin_truncf(x))                    \
    MSL_UNARY(fract, x - __builtin_floorf(x))                \
    MSL_UNARY(sign, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f) \
    MSL_UNARY(saturate, __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f)) \
    MSL_BINARY(pow, __builtin_powf(x, y))                    \
    MSL_BINARY(powr, __builtin_powf(x, y))                   \
    MSL_BINARY(fmin, __builtin_fminf(x, y))                  \
    MSL_BINARY(fmax, __builtin_fmaxf(x, y))                  \
    MSL_BINARY(min, __builtin_fminf(x, y))                   \
    MSL_BINARY(max, __builtin_fmaxf(x, y))                   \
    MSL_BINARY(fmod, __builtin_fmodf(x, y))                  \
    MSL_BINARY(copysign, __builtin_copysignf(x, y))          \
    MSL_BINARY(atan2, __builtin_atan2f(x, y))                \
    MSL_BINARY(divide, x / y)                                \
    MSL_BINARY(step, y < x ? 0.0f : 1.0f)                    \
    MSL_TERNARY(fma, __builtin_fmaf(x, y, z))                \
    MSL_TERNARY(mix, x + (y - x) * z)                        \
    MSL_TERNARY(clamp, __builtin_fminf(__builtin_fmaxf(x, y), z))

namespace metal {

#ifndef MSL_STRICT
template <typename T> inline T msl_min(T x, T y) { return x < y ? x : y; }
template <typename T> inline T msl_max(T x, T y) { return x > y ? x : y; }
template <typename T> inline T msl_clamp(T x, T low, T high) { return msl_min(msl_max(x, low), high); }
template <typename T> inline T msl_rotate(T x, T y) {
    constexpr T bits = sizeof(T) * 8;
    T by = y & (bits - 1);
    return by == 0 ? x : (T)((x << by) | (x >> (bits - by)));
}
#endif

MSL_FUNCTIONS
MSL_INTEGERS(MSL_INTEGER_BINARY_OF, min)
MSL_INTEGERS(MSL_INTEGER_BINARY_OF, max)
MSL_INTEGERS(MSL_INTEGER_TERNARY_OF, clamp)
MSL_INTEGER_BINARY_OF(rotate, ushort)
MSL_INTEGER_BINARY_OF(rotate, uint)
MSL_INTEGER_BINARY_OF(rotate, ulong)

namespace precise { MSL_FUNCTIONS }
namespace fast { MSL_FUNCTIONS }

#ifdef MSL_STRICT
bool isnan(float); bool isnan(half);
bool isinf(float); bool isinf(half);
bool isfinite(float); bool isfinite(half);
int abs(int); short abs(short); long abs(long);
int popcount(int); uint popcount(uint); ulong popcount(ulong);
int clz(int); uint clz(uint); int ctz(int); uint ctz(uint);
uint reverse_bits(uint); uint extract_bits(uint, uint, uint); int extract_bits(int, uint, uint);
uint mulhi(uint, uint); int mulhi(int, int);
template <typename T> T select(T a, T b, bool c);
half dot(half2, half2); half dot(half3, half3); half dot(half4, half4);
float dot(float2, float2); float dot(float3, float3); float dot(float4, float4);
#else
inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(half x) { return __builtin_isnan((float)x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(half x) { return __builtin_isinf((float)x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool isfinite(half x) { return __builtin_isfinite((float)x); }
inline int abs(int x) { return x < 0 ? -x : x; }
inline short abs(short x) { return x < 0 ? -x : x; }
inline long abs(long x) { return x < 0 ? -x : x; }
inline int popcount(int x) { return __builtin_popcount(x); }
inline uint popcount(uint x) { return __builtin_popcount(x); }
inline ulong popcount(ulong x) { return __builtin_popcountl(x); }
inline uint clz(uint x) { return x == 0 ? 32 : __builtin_clz(x); }
inline int clz(int x) { return (int)clz((uint)x); }
inline uint ctz(uint x) { return x == 0 ? 32 : __builtin_ctz(x); }
inline int ctz(int x) { return (int)ctz((uint)x); }
inline uint reverse_bits(uint x) { return __builtin_bitreverse32(x); }
inline uint extract_bits(uint x, uint offset, uint bits) { return bits == 0 ? 0 : (x >> offset) & (0xffffffffu >> (32 - bits)); }
inline int extract_bits(int x, uint offset, uint bits) { return bits == 0 ? 0 : (int)((uint)x << (32 - offset - bits)) >> (32 - bits); }
inline uint mulhi(uint x, uint y) { return (uint)(((ulong)x * y) >> 32); }
inline int mulhi(int x, int y) { return (int)(((long)x * y) >> 32); }
template <typename T> inline T select(T a, T b, bool c) { return c ? b : a; }
#define MSL_DOT(V)                                                          \
    inline msl_shape<V>::element dot(V a, V b) {                            \
        msl_shape<V>::element sum = 0;                                      \
        for (int i = 0; i < (int)msl_shape<V>::size; i++) sum += a[i] * b[i]; \
        return sum;                                                         \
    }
MSL_DOT(half2) MSL_DOT(half3) MSL_DOT(half4) MSL_DOT(float2) MSL_DOT(float3) MSL_DOT(float4)
#endif

}
