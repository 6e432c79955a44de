/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_PRINTK_H
#define _MN_LINUX_PRINTK_H

#include <stdio.h>

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif

/* The kernel log is standard error; the level is not shown. */
#define printk(...)	  fprintf(stderr, __VA_ARGS__)
#define pr_err(fmt, ...)  printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)

#endif
