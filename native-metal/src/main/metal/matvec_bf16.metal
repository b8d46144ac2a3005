#include "matvec.h"

MATVEC_KERNEL(bf16)
