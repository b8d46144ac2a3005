#include "matvec.h"

MATVEC_KERNEL(f16)
