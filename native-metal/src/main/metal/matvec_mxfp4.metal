#include "matvec.h"

MATVEC_KERNEL(mxfp4)
