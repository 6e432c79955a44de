/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wait queue: SLEEPERS threads call wait_event() ROUNDS times, and WAKERS
 * make conditions true and call wake_up_all(). Sleeper S waits for waker
 * S % WAKERS. SIGNALS: as many times may a sleeper return for no reason.
 *
 * The futex is the kernel's promise: wait compares and goes to sleep in one
 * step, wake wakes all in one step, and each begins with a full barrier.
 *
 * invalid end state: all is over and somebody still sleeps.
 * needless_wake: a waker enters the kernel more often than sleepers announced themselves.
 *
 * OF core/include/linux/wait.h: wait_event wake_up_all
 * OF core/wait.c: wait_queue_prepare wait_queue_sleep wait_queue_wake
 *
 * PROOF own: -DSLEEPERS=2 -DWAKERS=2 -DROUNDS=1
 * BREAKS own NO_WAKE_BARRIER: invalid end state: smp_mb() in wake_up_all()
 * BREAKS own NO_PREPARE_BARRIER: invalid end state: smp_mb__after_atomic() in wait_queue_prepare()
 * BREAKS own NO_RECHECK: invalid end state: the second look at the condition
 * BREAKS own NO_GENERATION: invalid end state: the count of wake-ups in the word
 * BREAKS own NO_COMPARE: invalid end state: the kernel's comparison of the word
 *
 * PROOF herd: -DSLEEPERS=3 -DWAKERS=1 -DROUNDS=1
 * BREAKS herd ONE_WOKEN: invalid end state: INT_MAX in wait_queue_wake()
 *
 * PROOF signals: -DSLEEPERS=2 -DWAKERS=1 -DROUNDS=2 -DSIGNALS=1
 * BREAKS signals SLEEPERS_STAYS: needless_wake: taking SLEEPERS off before the wake
 *
 * FULL three: -DSLEEPERS=3 -DWAKERS=2 -DROUNDS=1
 */
#ifndef SIGNALS
#define SIGNALS 0
#endif

#define THREADS SLEEPERS + WAKERS

#define WORD	     0
#define CONDITION(w) (1 + (w))
#define PLACES	     1 + WAKERS
#include "weak.pml"

/* What the writes to the word stored. Each round of each thread writes it a few times at most. */
#define WRITES 20
byte word[WRITES];
#define ANNOUNCED  1
#define GENERATION 2

bool asleep[SLEEPERS];
byte announced, woken;
#if SIGNALS
byte signals = SIGNALS;
#endif
bool needless_wake;

/* Two wakers may both answer one announcement. */
#if WAKERS == 1
#define ghost(count) count++
#else
#define ghost(count) skip
#endif

/* An atomic operation works on the newest value; it orders nothing by itself. */
inline modify(t, new)
{
	word[last[WORD] + 1] = new;
	store(t, WORD);
	assert(last[WORD] < WRITES - 1)
}

inline prepare(val)
{
	d_step {
		val = word[last[WORD]] | ANNOUNCED;
		modify(_pid, val);
		ghost(announced)
	};
#ifndef NO_PREPARE_BARRIER
	barrier(_pid)
#endif
}

/* Returns when woken, when the word is another already, or for a signal. */
inline sleep(val)
{
	atomic {
		barrier(_pid);
		load(_pid, WORD, v);
		if
#ifndef NO_COMPARE
		:: word[v] != val -> v = 0; val = 0
		:: word[v] == val ->
#else
		::
#endif
			asleep[_pid] = true;
			v = 0;
			val = 0
		fi
	};
	if
	:: !asleep[_pid]
#if SIGNALS
	:: atomic { asleep[_pid] && signals -> signals--; asleep[_pid] = false }
#endif
	fi
}

/* Looks at the condition; a round ends where it is true. */
inline look()
{
	atomic {
		load(_pid, CONDITION(_pid % WAKERS), v);
		if
		:: v >= round -> v = 0; val = 0; goto over
		:: else -> v = 0
		fi
	}
}

active [SLEEPERS] proctype sleeper()
{
	byte round = 1, v, val;

again:
	look();
	prepare(val);
#ifndef NO_RECHECK
	look();
#endif
	sleep(val);
	goto again;
over:
	round++;
	if
	:: round <= ROUNDS -> goto again
	:: else
	fi
}

inline futex_wake()
{
	d_step {
		barrier(_pid);
		ghost(woken);
		needless_wake = woken > announced;
		assert(!needless_wake);
		do
		:: v < SLEEPERS ->
#ifdef ONE_WOKEN
			if
			:: asleep[v] -> asleep[v] = false; break
			:: else
			fi;
#else
			asleep[v] = false;
#endif
			v++
		:: else -> break
		od;
		v = 0
	}
}

inline wake_up_all()
{
#ifndef NO_WAKE_BARRIER
	barrier(_pid);
#endif
	atomic {
		load(_pid, WORD, v);
		v = word[v] & ANNOUNCED
	};
	if
	:: v ->
		d_step {
			v = word[last[WORD]];
#ifndef NO_GENERATION
			v = v + GENERATION;
#endif
#ifndef SLEEPERS_STAYS
			v = v & ~ANNOUNCED;
#endif
			modify(_pid, v);
			v = 0
		};
		futex_wake()
	:: else
	fi
}

active [WAKERS] proctype waker()
{
	byte round, v;

	do
	:: round < ROUNDS ->
		store(_pid, CONDITION(_pid - SLEEPERS));
		wake_up_all();
		round++
	:: else -> break
	od
}
