/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints to the compiler, and accesses that it may not tear, fuse or repeat. */
#ifndef _MN_LINUX_COMPILER_H
#define _MN_LINUX_COMPILER_H

#include <linux/container_of.h>

#ifndef likely
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define barrier() __asm__ __volatile__("" ::: "memory")

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
/* From here on the compiler does not know where VAR's value came from. */
#define OPTIMIZER_HIDE_VAR(var) __asm__("" : "+r"(var))

#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif
#define __maybe_unused __attribute__((__unused__))
#define __must_check   __attribute__((__warn_unused_result__))
#define __aligned(n)   __attribute__((__aligned__(n)))

/* Marks for the kernel's static checker; nothing to a compiler. */
#define __percpu
#define __rcu
#define __user
#define __force
#define __acquires(x)
#define __releases(x)

/*
 * One access, whole, in program order with other volatile accesses. Relaxed
 * atomics rather than volatile casts: the thread sanitizer knows them, and
 * the code that comes out is the same.
 */
#define READ_ONCE(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

/* The thread sanitizer models no bare fence: code that relies on one says so to it. */
#if defined(__SANITIZE_THREAD__)
#define CONFIG_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONFIG_TSAN 1
#endif
#endif

/* A plain read that may race: the compiler may fuse it, and either value serves. */
#ifdef CONFIG_TSAN
#define data_race(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE) /* it sees no address dependency */
#else
#define data_race(x) (x)
#endif

#endif
