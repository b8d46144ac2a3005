#include "matvec.h"

MATVEC_KERNEL(q5_k)
