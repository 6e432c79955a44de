/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_begin without the lock, CONFIG_MMU_NOTIFIER_LOCKLESS_READ: one interval,
 * INVALIDATORS threads that invalidate it ROUNDS times each, and one reader. Who
 * collides takes the lock, which retry.pml is about: here it tries again, TRIES
 * times in all. The page tables are weakly ordered too: nothing but the counts
 * orders the reader's walk. R1 to W4 are as in core/remedies.h.
 *
 * A store with release carries its thread's view, a load with acquire takes it.
 *
 * stale_accepted: a reader accepts a translation that an invalidation has passed.
 *
 * OF core/remedies.h: count_write read_begin_at_once
 * OF core/mmu_notifier.c: inv_start inv_end
 * OF core/include/linux/mmu_notifier.h: mmu_interval_set_seq mmu_interval_read_retry
 *
 * PROOF lockless: -DINVALIDATORS=2 -DROUNDS=1
 * BREAKS lockless NO_SET_SEQ_RELEASE: stale_accepted: W2's release
 * BREAKS lockless NO_END_RELEASE: stale_accepted: W4's release
 * BREAKS lockless NO_START_RELEASE: stale_accepted: W1's release
 * BREAKS lockless NO_OWN_ACQUIRE: stale_accepted: R1's acquire
 * BREAKS lockless NO_COUNT_ACQUIRE: stale_accepted: R2's acquire
 * BREAKS lockless COUNT_FIRST: stale_accepted: R1 before R2
 *
 * FULL lockless_rounds: -DINVALIDATORS=2 -DROUNDS=2 -DTRIES=2
 */
#ifndef TRIES
#define TRIES 1
#endif

#define THREADS INVALIDATORS + 1
#define SEQ	0
#define OWN_SEQ 1
#define PAGES	2
#define PLACES	3
#include "weak.pml"

/* What each write to the two counts stored, and the view that it carries. */
#define WRITES 12
byte seq[WRITES] = 2, own[WRITES] = 1;
view_t seq_view[WRITES], own_view[WRITES];
#define SEQ_NOW seq[last[SEQ]]
#define OWN_NOW own[last[OWN_SEQ]]

#define LOCK	  0
#define USER_LOCK 1
bool held[2];
view_t lock_view[2];

byte active_ranges, changing;
bool stale_accepted;

inline lock(l)
{
	atomic {
		!held[l];
		held[l] = true;
		d_step { learn(view[_pid], lock_view[l]) }
	}
}

inline unlock(l)
{
	d_step {
		learn(lock_view[l], view[_pid]);
		held[l] = false
	}
}

inline set_seq(value, release)
{
	seq[last[SEQ] + 1] = value;
	store(_pid, SEQ);
	if
	:: release -> learn(seq_view[last[SEQ]], view[_pid])
	:: else
	fi;
	assert(last[SEQ] < WRITES - 1)
}

inline set_own_seq(value, release)
{
	own[last[OWN_SEQ] + 1] = value;
	store(_pid, OWN_SEQ);
	if
	:: release -> learn(own_view[last[OWN_SEQ]], view[_pid])
	:: else
	fi;
	assert(last[OWN_SEQ] < WRITES - 1)
}

inline load_seq(got, acquire)
{
	atomic {
		load(_pid, SEQ, got);
		if
		:: acquire -> d_step { learn(view[_pid], seq_view[got]) }
		:: else
		fi;
		got = seq[got]
	}
}

inline load_own_seq(got, acquire)
{
	atomic {
		load(_pid, OWN_SEQ, got);
		if
		:: acquire -> d_step { learn(view[_pid], own_view[got]) }
		:: else
		fi;
		got = own[got]
	}
}

#ifdef NO_START_RELEASE
#define W1 false
#else
#define W1 true
#endif
#ifdef NO_SET_SEQ_RELEASE
#define W2 false
#else
#define W2 true
#endif
#ifdef NO_END_RELEASE
#define W4 false
#else
#define W4 true
#endif
#ifdef NO_OWN_ACQUIRE
#define R1 false
#else
#define R1 true
#endif
#ifdef NO_COUNT_ACQUIRE
#define R2 false
#else
#define R2 true
#endif

active [INVALIDATORS] proctype invalidator()
{
	byte round, cur_seq;

	do
	:: round < ROUNDS ->
		atomic {
			lock(LOCK);
			d_step {
				active_ranges++;
				if
				:: !(SEQ_NOW & 1) -> set_seq(SEQ_NOW + 1, W1)
				:: else
				fi;
				cur_seq = SEQ_NOW
			};
			unlock(LOCK)
		};
		atomic {
			lock(USER_LOCK);
			d_step {
				set_own_seq(cur_seq, W2);
				changing++
			};
			unlock(USER_LOCK)
		};
		store(_pid, PAGES);
		atomic {
			lock(LOCK);
			d_step {
				changing--;
				active_ranges--;
				if
				:: !active_ranges -> set_seq(SEQ_NOW + 1, W4)
				:: else
				fi
			};
			unlock(LOCK)
		};
		d_step { round++; cur_seq = 0 }
	:: else -> break
	od
}

active proctype reader()
{
	byte tries, began, now, translation;
	bool accepted;

	do
	:: tries < TRIES && !accepted ->
#ifdef COUNT_FIRST
		load_seq(now, R2);
		load_own_seq(began, R1);
#else
		load_own_seq(began, R1);
		load_seq(now, R2);
#endif
		if
		:: began != now ->
			load(_pid, PAGES, translation);
			atomic {
				lock(USER_LOCK);
				d_step {
					accepted = OWN_NOW == began;
					stale_accepted = accepted &&
						(changing || translation != last[PAGES]);
					assert(!stale_accepted)
				};
				unlock(USER_LOCK)
			}
		:: else
		fi;
		atomic { tries++; began = 0; now = 0; translation = 0 }
	:: else -> break
	od
}
