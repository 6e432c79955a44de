/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The door from the kernel vocabulary down to the platform layer. */
#ifndef _ASM_PLATFORM_H
#define _ASM_PLATFORM_H

#include "../../../platforms/arch.h"

#endif
