#include "matvec.h"

MATVEC_KERNEL(f32)
