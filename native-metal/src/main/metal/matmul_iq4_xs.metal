#include "matmul.h"

MATMUL_KERNELS(iq4_xs)
