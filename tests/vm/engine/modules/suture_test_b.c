// SPDX-License-Identifier: GPL-2.0-only
#define VARIANT 2
#include "payload.h"
