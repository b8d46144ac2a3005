// Stand-in for <metal_stdlib>, included ahead of every shader. With MSL_STRICT the shader is only checked, as C++ for OpenCL, whose address
// spaces are those of the Metal Shading Language; without, it is compiled for the CPU as C++20 and calls the executor.
#pragma once
#pragma clang system_header

#include "address_spaces.h"
#include "vectors.h"
#include "math.h"
#include "synchronization.h"
#include "simdgroup.h"
#include "simdgroup_matrix.h"
#include "atomics.h"
#include "attributes.h"
// Replaces the names of vector types before a parenthesis, so it has to come last.
#include "vector_constructors.h"
