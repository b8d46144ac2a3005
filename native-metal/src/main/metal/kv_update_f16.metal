#include "kv_update.h"

KV_UPDATE_KERNEL(f16, half)
