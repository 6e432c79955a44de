/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gbench_c.h - a C interface to Google Benchmark (1.7 to 1.9).
 *
 *	static void copy(gb_state *st, void *user)
 *	{
 *		size_t size = (size_t)gb_range_at(st, 0);
 *		char *from = user, *to = from + size;
 *
 *		GB_LOOP(st) {
 *			memcpy(to, from, size);
 *			gb_clobber_memory();
 *		}
 *		gb_set_bytes_processed(st, (int64_t)(gb_iteration_count(st) * size));
 *	}
 *
 *	int main(int argc, char **argv)
 *	{
 *		static char buffer[8192];
 *		int rc = gb_initialize(&argc, argv);
 *
 *		if (!rc) {
 *			gb_benchmark *b = gb_register("copy", copy, buffer);
 *
 *			gb_range(b, 8, 4096);
 *			rc = gb_run(NULL);
 *		}
 *		if (rc)
 *			fprintf(stderr, "%s\n", gb_last_error());
 *		gb_shutdown();
 *		return rc != 0;
 *	}
 *
 * What holds throughout:
 * - A function that returns int gives 0 or a negative errno value, with the reason in
 *   gb_last_error(). -EINVAL is a misuse, -ENOMEM no memory, -EBUSY a change during gb_run().
 * - A NULL gb_benchmark or gb_state is -EINVAL, so a chain of calls on a failed gb_register()
 *   may be checked at its end.
 * - A misuse of a gb_state inside a run makes that run an error row; it neither aborts nor exits.
 * - No C++ exception leaves this interface. One that comes out of a callback becomes an error.
 * - Strings and arrays passed in are copied; `user` pointers are kept and given back as they are.
 * - Registration, gb_initialize(), gb_run() and gb_shutdown() belong to one thread at a time; a
 *   gb_state belongs to the thread that was given it.
 *
 * The times of a result have one meaning with every version of the library, see struct gb_result.
 */
#ifndef GBENCH_C_H
#define GBENCH_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define GB_ENUM_BASE : unsigned int /* as in C, where any value may come in */
#else
#define GB_ENUM_BASE
#endif

/* A registered benchmark: valid until gb_unregister_all() or gb_shutdown(). */
typedef struct gb_benchmark gb_benchmark;
/* One thread's view of one run: valid until the function that was given it returns. */
typedef struct gb_state gb_state;

/* The body of a benchmark, its set-up or its tear-down. */
typedef void (*gb_function)(gb_state *st, void *user);

/* Most threads one benchmark may ask for. */
#define GB_THREADS_MAX 32768
/* Most argument sets or thread counts one call may add. */
#define GB_INSTANCES_MAX 1000000
/* Most different functions that gb_statistics() may be given in a process. */
#define GB_STATISTICS_MAX 16

/* The unit of the display; results are always in nanoseconds. */
enum gb_time_unit GB_ENUM_BASE { GB_NANOSECOND, GB_MICROSECOND, GB_MILLISECOND, GB_SECOND };

/* How the time of a benchmark grows with n, see gb_complexity(). */
enum gb_big_o GB_ENUM_BASE {
	GB_O_NONE,
	GB_O_1,
	GB_O_N,
	GB_O_N_SQUARED,
	GB_O_N_CUBED,
	GB_O_LOG_N,
	GB_O_N_LOG_N,
	GB_O_AUTO,    /* the best fit of those above */
	GB_O_FUNCTION /* the function given to gb_complexity_function() */
};

/* What a user counter means; may be or-ed. Values of several threads are added up first. */
enum gb_counter_flag {
	GB_COUNTER_PLAIN = 0,
	GB_COUNTER_RATE = 1,		    /* divided by the seconds of the run */
	GB_COUNTER_AVG_THREADS = 2,	    /* divided by the number of threads */
	GB_COUNTER_ITERATION_INVARIANT = 4, /* multiplied by all threads' iterations */
	GB_COUNTER_AVG_ITERATIONS = 8,	    /* divided by all threads' iterations */
	GB_COUNTER_INVERT = 16,		    /* one over the result, last of all */
	GB_COUNTER_1024 = 32		    /* 1k is 1024 on display, not 1000 */
};

/* How a run ended. */
enum gb_status {
	GB_OK,
	GB_SKIPPED, /* gb_skip_with_message() */
	GB_ERROR    /* gb_skip_with_error(), or a misuse of the state */
};

enum gb_run_type {
	GB_ITERATION, /* one repetition of one benchmark */
	GB_AGGREGATE  /* a statistic over repetitions, or over a family (BigO, RMS) */
};

struct gb_counter {
	const char *name;
	double value;	    /* flags applied */
	unsigned int flags; /* enum gb_counter_flag */
};

/*
 * One result. All pointers are valid during the callback only, `user` excepted.
 *
 * real_ns is wall-clock time as a thread sees it: the time inside the timed region, averaged over
 * the threads, divided by the iterations of one thread. Four threads that each do an operation
 * in 10 ns report 10, whatever the version (the library itself says 2.5 up to 1.8, 10 from 1.9.0
 * on); all of them together do threads * 1e9 / real_ns operations a second. With
 * gb_use_manual_time() the same is made of the times given to gb_set_iteration_time().
 *
 * cpu_ns is the CPU time of all threads divided by all iterations; with
 * gb_measure_process_cpu_time(), the CPU time of the whole process during the timed region, divided
 * by all iterations.
 *
 * A GB_COUNTER_RATE is per second of the window (the threads' mean) with gb_use_real_time(),
 * gb_use_manual_time() and gb_measure_process_cpu_time(), and per second of all threads' CPU
 * time without any of them, as in C++.
 *
 * The library's own display and file reporters are given figures of the same meaning.
 */
struct gb_result {
	const char *name;      /* all of it, aggregate's name included */
	const char *base_name; /* as registered */
	void *user;	       /* as registered; NULL where C++ code registered it */
	enum gb_run_type run_type;
	enum gb_status status;
	const char *message;	    /* of a run that is not GB_OK, else "" */
	const char *label;	    /* "" without one */
	const char *aggregate_name; /* "mean", "median", "stddev", "cv", "BigO", ...; else "" */
	int is_ratio;		    /* cv, RMS: real_ns and cpu_ns are ratios, not times */
	enum gb_big_o complexity;   /* of BigO and RMS rows; else GB_O_NONE */
	int64_t repetition;	    /* from 0; -1 in an aggregate */
	int64_t repetitions;
	int64_t threads;
	int64_t iterations; /* of all threads; of an aggregate: number of runs */
	double real_ns;	    /* per iteration; NaN where not GB_OK; BigO: coefficient */
	double cpu_ns;	    /* likewise */
	const struct gb_counter *counters; /* in order of their names */
	size_t counter_count;
};

/* The reason of this thread's last failure in this interface; "" without one. Never NULL. */
const char *gb_last_error(void);

/* The version of the library, e.g. "1.9.1"; the range it must be in, where it does not say. */
const char *gb_library_version(void);

/*
 * Prepares a run: takes --benchmark_* and --v flags out of argv (and BENCHMARK_* variables out of
 * the environment; a flag wins), and leaves the rest, --help and unknown flags included, to the
 * caller. argc and argv may both be NULL. May be called again: nothing is left of the flags of the
 * call before. -EINVAL: a value that is not valid, with nothing changed. --benchmark_min_time
 * takes SECONDS with or without an s; the form COUNTx needs library 1.8.
 */
int gb_initialize(int *argc, char **argv);

/* Prints the library's own flags on standard output, for the caller's --help. */
int gb_print_help(void);

/* Adds a line to the context that the reporters print; -EEXIST: the key has a value already. */
int gb_add_context(const char *key, const char *value);

/* Frees all registrations and contexts. gb_initialize() may follow. -EBUSY during a run. */
int gb_shutdown(void);

/* Frees all registrations; flags and contexts stay. -EBUSY during a run. */
int gb_unregister_all(void);

/*
 * Registers a benchmark that calls fn(st, user) once a run and thread. The name is not empty and
 * not taken. Returns NULL, with gb_last_error(), on misuse or without memory.
 */
gb_benchmark *gb_register(const char *name, gb_function fn, void *user);

/*
 * The arguments. Each call adds runs; every set of arguments of a benchmark has the same length.
 * gb_args: one run with these. gb_range: lo, hi and the powers of the multiplier between.
 * gb_ranges: every combination of several such ranges. gb_dense_range: lo, lo + step, ... to hi.
 * gb_args_product: every combination of the lists. -EINVAL: lo > hi, another length than before,
 * step < 1, an empty list, more than GB_INSTANCES_MAX.
 */
struct gb_span {
	int64_t lo, hi;
};
struct gb_arg_list {
	const int64_t *values;
	size_t count;
};
int gb_arg(gb_benchmark *b, int64_t arg);
int gb_args(gb_benchmark *b, const int64_t *args, size_t count);
int gb_range(gb_benchmark *b, int64_t lo, int64_t hi);
int gb_ranges(gb_benchmark *b, const struct gb_span *spans, size_t count);
int gb_dense_range(gb_benchmark *b, int64_t lo, int64_t hi, int step);
int gb_args_product(gb_benchmark *b, const struct gb_arg_list *lists, size_t count);
/* Names shown before the arguments ("" for none), as many as there are arguments. */
int gb_arg_name(gb_benchmark *b, const char *name);
int gb_arg_names(gb_benchmark *b, const char *const *names, size_t count);
/* The multiplier of the gb_range() and gb_ranges() that follow: 2 or more, 8 if never called. */
int gb_range_multiplier(gb_benchmark *b, int multiplier);

/*
 * The threads. Each call adds runs with 1 to GB_THREADS_MAX threads: n; lo, hi and the powers of
 * two between; lo, lo + stride, ... and hi; as many as CPUs. A thread that the system cannot
 * create ends the process (std::terminate in the library).
 */
int gb_threads(gb_benchmark *b, int n);
int gb_thread_range(gb_benchmark *b, int lo, int hi);
int gb_dense_thread_range(gb_benchmark *b, int lo, int hi, int stride);
int gb_thread_per_cpu(gb_benchmark *b);

/* Exactly n > 0 iterations. -EINVAL together with a minimum time. */
int gb_iterations(gb_benchmark *b, int64_t n);
/* n > 0 repetitions; wins over --benchmark_repetitions. */
int gb_repetitions(gb_benchmark *b, int n);
/*
 * At least this many seconds, > 0; wins over --benchmark_min_time. -EINVAL together with
 * gb_iterations(). Under threads with real time, library 1.9 counts the threads' sum.
 */
int gb_min_time(gb_benchmark *b, double seconds);
/* So many seconds unmeasured first, >= 0. Needs gb_min_time() before: ignored without it. */
int gb_min_warmup_time(gb_benchmark *b, double seconds);
/* Wall-clock time decides how long to run and divides the rates, not CPU time. */
int gb_use_real_time(gb_benchmark *b);
/* The times given to gb_set_iteration_time() do. -EINVAL together with gb_use_real_time(). */
int gb_use_manual_time(gb_benchmark *b);
/* CPU time is that of the process, not of the benchmark's threads. */
int gb_measure_process_cpu_time(gb_benchmark *b);
/* The unit of the display. */
int gb_unit(gb_benchmark *b, enum gb_time_unit unit);
/*
 * Fits the times of all runs of this benchmark to a curve; adds the aggregates BigO and RMS, where
 * two runs or more went well. Every run must call gb_set_complexity_n(). Of several curves
 * (GB_O_AUTO) the best for the CPU time is taken, for the manual time where that is used.
 * gb_complexity_function: to a curve of one's own.
 */
int gb_complexity(gb_benchmark *b, enum gb_big_o complexity);
int gb_complexity_function(gb_benchmark *b, double (*curve)(int64_t n));
/*
 * Adds an aggregate over the repetitions of each run: fn is given the times (in seconds) or a
 * counter's values. is_ratio: the outcome is not a time. -ENOSPC: GB_STATISTICS_MAX reached.
 */
int gb_statistics(gb_benchmark *b, const char *name, double (*fn)(const double *v, size_t n),
		  int is_ratio);
/*
 * Called once before and after every run (not every thread), by the thread with index 0, while no
 * thread is in the body. The state serves the arguments, threads and iterations; in the set-up
 * gb_skip_with_error() and gb_skip_with_message() too: the body is not called then.
 */
int gb_setup(gb_benchmark *b, gb_function fn, void *user);
int gb_teardown(gb_benchmark *b, gb_function fn, void *user);
/* on != 0: only aggregates go to display and file. gb_run()'s callback sees everything. */
int gb_report_aggregates_only(gb_benchmark *b, int on);
/* Likewise, for the display only. */
int gb_display_aggregates_only(gb_benchmark *b, int on);

/*
 * Waits for the other threads, starts the clock and returns the number of iterations to do: 0 if
 * the run was skipped. Once a run; every thread of it calls it.
 */
uint64_t gb_begin(gb_state *st);
/* Stops the clock and waits for the other threads. Needed after gb_begin(). */
void gb_end(gb_state *st);
/* As gb_end(); left iterations were not done, which is an error unless the run was skipped. */
void gb_loop_end(gb_state *st, uint64_t left);

/*
 * Keeps GB_LOOP a loop when its body is empty. The counter is left to the compiler, as in C++: gcc
 * 14 unrolls small bodies at -O2 on x86. With -fno-unroll-loops every body has the same loop
 * around.
 */
static inline void gb_loop_keep(void)
{
	__asm__ volatile("");
}

/*
 * GB_LOOP(st) { body }: the timed region. One call into the library to start the clock, one to
 * stop it, a plain counting loop between. `continue` works; `break` ends the region, and the run is
 * an error unless it was skipped before; so is leaving with `return` or `goto`.
 */
#define GB_LOOP(st)                                                                                \
	for (uint64_t gb_left_ = gb_begin(st), gb_once_ = 1; gb_once_;                             \
	     gb_once_ = 0, gb_loop_end(st, gb_left_))                                              \
		for (; gb_left_ != 0; gb_loop_keep(), gb_left_--)

/* Stops the clock, and starts it again, for this thread and between gb_begin() and gb_end(). */
int gb_pause(gb_state *st);
int gb_resume(gb_state *st);
/* Adds seconds >= 0 of a time measured otherwise. Needs gb_use_manual_time(). */
int gb_set_iteration_time(gb_state *st, double seconds);

/* The arguments of this run: how many, and number i from 0 (0 and an error row beyond them). */
size_t gb_arg_count(const gb_state *st);
int64_t gb_range_at(gb_state *st, size_t i);
/* This thread's index, from 0; the number of threads; iterations of each thread in this run. */
int gb_thread_index(const gb_state *st);
int gb_thread_count(const gb_state *st);
uint64_t gb_iteration_count(const gb_state *st);

/* Sets this thread's share of a counter; flags as in every other run of the benchmark. */
int gb_counter_set(gb_state *st, const char *name, double value, unsigned int flags);
/* This thread's share as it was set, unscaled; -ENOENT: not set. */
int gb_counter_get(const gb_state *st, const char *name, double *value);
/* A text for the result; the last thread to set one wins. */
int gb_set_label(gb_state *st, const char *label);
/* This thread's work, >= 0: the counters bytes_per_second (1k is 1024) and items_per_second. */
int gb_set_bytes_processed(gb_state *st, int64_t bytes);
int gb_set_items_processed(gb_state *st, int64_t items);
/* The n > 0 of gb_complexity(); the library adds up what several threads set. */
int gb_set_complexity_n(gb_state *st, int64_t n);

/*
 * Makes the run a row without figures, with a message: as failed, or as not applicable here. The
 * first of several wins. The caller still has to leave its loop. Not in a tear-down. The
 * display of library 1.7 shows both as errors.
 *
 * The repetitions that follow (of this benchmark with these arguments and threads, in this
 * gb_run()) become such rows too, with the same message; neither set-up, body nor tear-down is
 * called for them. So it is after a misuse and an exception: the library crashes where the first
 * repetition fails and later ones do not. Figures and aggregates of those before remain.
 */
int gb_skip_with_error(gb_state *st, const char *message);
int gb_skip_with_message(gb_state *st, const char *message);
/* Whether this thread's run was skipped. */
int gb_skipped(const gb_state *st);

/* The compiler must have everything written to memory here, and read it again afterwards. */
static inline void gb_clobber_memory(void)
{
	__asm__ volatile("" : : : "memory");
}

/* The compiler must compute the value, and may assume nothing of what becomes of it. */
static inline void gb_do_not_optimize(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* Likewise what the pointer points at; p itself becomes of unknown origin. */
static inline void gb_do_not_optimize_pointer(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static inline void gb_do_not_optimize_double(double value)
{
	__asm__ volatile("" : : "m"(value) : "memory");
}

/* A value of which the compiler knows nothing: hides a constant from it. */
static inline uint64_t gb_hide(uint64_t value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

enum gb_run_flag {
	GB_RUN_NO_DISPLAY = 1, /* nothing on standard output */
	GB_RUN_NO_FILE = 2     /* --benchmark_out is not obeyed */
};

struct gb_run_options {
	const char *filter; /* regular expression; NULL: --benchmark_filter */
	unsigned int flags; /* enum gb_run_flag */
	/* Called once a result, in order, by gb_run()'s thread; not 0: stop. NULL: not called. */
	int (*on_result)(const struct gb_result *result, void *user);
	void *user;	 /* of on_result */
	size_t *matched; /* set to the number of benchmarks that matched; may be NULL */
};

/*
 * Runs what matches the filter; needs gb_initialize(). options may be NULL. With
 * --benchmark_list_tests, prints the names on standard output instead. Returns 0, what on_result
 * returned if not 0, or: -ENOENT nothing matched; -EINVAL a filter that does not compile; the
 * errno of a --benchmark_out file that cannot be written; -ECANCELED on_result threw.
 */
int gb_run(const struct gb_run_options *options);

/* Whether --benchmark_list_tests was given. */
int gb_list_requested(void);
/*
 * Gives each name that matches the filter (NULL: --benchmark_filter) to fn, without running any. fn
 * returning other than 0 stops, and is returned. -ENOENT: nothing matched. Needs gb_initialize().
 */
int gb_list_tests(const char *filter, int (*fn)(const char *name, void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif
