// SPDX-License-Identifier: GPL-2.0-only
#define VARIANT 1
#include "payload.h"
