#include "matvec.h"

MATVEC_KERNEL(q4_1)
