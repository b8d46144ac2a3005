#include "matvec.h"

MATVEC_KERNEL(q8_0)
