#include "matvec.h"

MATVEC_KERNEL(iq4_xs)
