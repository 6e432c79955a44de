/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look up one fact about this machine in /proc and /sys. */
#ifndef MNBENCH_SYSFACTS_H
#define MNBENCH_SYSFACTS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * All of one form, for tables: what is found about `what` goes into value, cut at len; false
 * where the machine does not tell. Several different answers (of several CPUs) are joined by ", ".
 */
typedef bool fact_finder(const char *what, char *value, size_t len);

fact_finder fact_file;	   /* the first line of a file: a path */
fact_finder fact_selected; /* the word in [brackets] of a file: a path */
fact_finder fact_link;	   /* where a symbolic link leads: a path */
fact_finder fact_cpuinfo;  /* a key of /proc/cpuinfo */
fact_finder fact_cpuflag;  /* "1" or "0": whether a word is among the x86 flags */
fact_finder fact_meminfo;  /* a key of /proc/meminfo, in KiB */
fact_finder fact_cmdline;  /* the value of a kernel parameter; "" where it is not given */
fact_finder fact_cpufreq;  /* a file of the cpufreq policies */
fact_finder fact_turbo;	   /* "1" or "0": whether clocks may rise above the nominal one */
fact_finder fact_arm_name; /* the name of the Arm core that /proc/cpuinfo has the numbers of */

#ifdef __cplusplus
}
#endif

#endif
