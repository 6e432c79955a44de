/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fair readers, CONFIG_MMU_NOTIFIER_FAIR_READERS: one interval, INVALIDATORS
 * threads that invalidate ROUNDS ranges each, which cover it, or hit another, or
 * neither, and one driver. That finds its interval inserted, or inserts it; then it reads until a
 * translation is accepted, TRIES times at most. What is weakly ordered is what
 * the driver reads without the lock, and the page tables. The wait queue is what
 * wait.pml proves of it. core/remedies.h has the argument.
 *
 * stale_accepted: a reader accepts a translation that an invalidation has passed.
 * forgotten: a reader's generation ends, and it sleeps on.
 * invalid end state: all is over and somebody still sleeps.
 *
 * OF core/remedies.h: count_write generation_join generation_leave generations_end is_under_way
 * OF core/remedies.h: is_deferred deferred_set may_read is_colliding wait_fairly
 * OF core/mmu_notifier.c: inv_start inv_end drain_deferred read_begin_locked interval_insert
 * OF core/include/linux/mmu_notifier.h: mmu_interval_set_seq mmu_interval_read_retry
 *
 * PROOF fair: -DINVALIDATORS=2
 * BREAKS fair NO_CLOSED: stale_accepted: closed_seq in is_under_way()
 * BREAKS fair NO_END_WAKE: forgotten: wake_up_all() in generation_leave()
 * BREAKS fair NO_END_RELEASE: stale_accepted: the release of closed_seq in generation_leave()
 * BREAKS fair CLOSED_LATE: stale_accepted: closed_seq is set before the count moves on
 *
 * PROOF fair_covered: -DINVALIDATORS=3 -DALL_COVER
 * BREAKS fair_covered ANY_SET_SEQ: stale_accepted: the comparison in mmu_interval_set_seq()
 *
 * PROOF fair_inserted: -DINVALIDATORS=2 -DINSERTS
 * BREAKS fair_inserted NO_DEFERRED: stale_accepted: is_deferred() in may_read()
 *
 * FULL fair_three: -DINVALIDATORS=3
 * FULL fair_rounds: -DINVALIDATORS=2 -DROUNDS=2 -DTRIES=2
 */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef TRIES
#define TRIES 1
#endif

#define THREADS	 INVALIDATORS + 1
#define SEQ	 0
#define CLOSED	 1
#define OWN_SEQ	 2
#define DEFERRED 3
#define PAGES	 4
#define PLACES	 5
#include "weak.pml"

/* What each write stored, and the view that it carries. */
#define WRITES 12
byte seq[WRITES] = 2, own[WRITES] = 1, closed[WRITES];
view_t seq_view[WRITES], closed_view[WRITES];
view_t drained_view;
#define SEQ_NOW	   seq[last[SEQ]]
#define CLOSED_NOW closed[last[CLOSED]]
#define OWN_NOW	   own[last[OWN_SEQ]]
#define ODD	   (SEQ_NOW & 1)

#define LOCK	  0
#define USER_LOCK 1
bool held[2];
view_t lock_view[2];

byte active_ranges, closed_ranges, changing;
bool readers_wait, waits_for_tree;
#ifdef INSERTS
bool in_tree;
#else
bool in_tree = true;
#endif
bool stale_accepted, forgotten;
byte reading; /* the count that it waits out */

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

inline set_seq(value)
{
	seq[last[SEQ] + 1] = value;
	store(_pid, SEQ);
	learn(seq_view[last[SEQ]], view[_pid]);
	assert(last[SEQ] < WRITES - 1)
}

inline set_closed(value, release)
{
	closed[last[CLOSED] + 1] = value;
	store(_pid, CLOSED);
	if
	:: release -> learn(closed_view[last[CLOSED]], view[_pid])
	:: else
	fi;
	assert(last[CLOSED] < WRITES - 1)
}

#ifdef NO_END_RELEASE
#define END_RELEASE false
#else
#define END_RELEASE true
#endif

/* ---- the wait queue ---- */

byte generation;
bool asleep[THREADS];

inline prepare()
{
	atomic {
		barrier(_pid);
		announced = generation
	}
}

inline sleep()
{
	atomic {
		asleep[_pid] = announced == generation;
		announced = 0
	};
	!asleep[_pid]
}

inline wake_up_all()
{
	d_step {
		barrier(_pid);
		generation++;
		asleep[INVALIDATORS] = false
	}
}

/* ---- ranges ---- */

inline generation_join()
{
	if
	:: readers_wait && !CLOSED_NOW ->
		readers_wait = false;
		closed_ranges = active_ranges;
#ifdef CLOSED_LATE
		set_seq(SEQ_NOW + 2);
		set_closed(SEQ_NOW - 2, false)
#else
		set_closed(SEQ_NOW, false);
		set_seq(SEQ_NOW + 2)
#endif
	:: else
	fi;
	mine = SEQ_NOW | 1
}

inline inv_end()
{
	atomic {
		lock(LOCK);
		d_step {
			changing = changing - covers;
			active_ranges--;
			if
			:: (active_ranges || !ODD) && mine == CLOSED_NOW ->
				closed_ranges--;
				if
				:: !closed_ranges ->
					set_closed(0, END_RELEASE);
					woken = true
				:: else
				fi
			:: !active_ranges && ODD ->
				set_seq(SEQ_NOW + 1);
				readers_wait = false;
				set_closed(0, true);
				woken = true;
				if
				:: waits_for_tree ->
					in_tree = true;
					store(_pid, DEFERRED);
					learn(drained_view, view[_pid]);
					waits_for_tree = false
				:: else
				fi
			:: else
			fi
		};
		unlock(LOCK)
	};
	atomic {
		if
#ifdef NO_END_WAKE
		:: woken && !ODD -> wake_up_all()
		:: else
#else
		:: woken -> wake_up_all()
		:: else
#endif
		fi;
		d_step {
			forgotten = woken && asleep[INVALIDATORS] && !waits_for_tree &&
				reading != SEQ_NOW && reading != CLOSED_NOW;
			assert(!forgotten)
		}
	};
	woken = false
}

active [INVALIDATORS] proctype invalidator()
{
	byte round, cur_seq, mine;
	bool covers, other, hit, woken;

	do
	:: round < ROUNDS ->
		atomic {
			if
			:: covers = true
#ifndef ALL_COVER
			:: other = true
			:: skip
#endif
#ifdef INSERTS
			:: covers = true; other = true
#endif
			fi;
			lock(LOCK);
			d_step {
				generation_join();
				active_ranges++;
				hit = covers && in_tree;
				if
				:: (hit || other) && !ODD -> set_seq(SEQ_NOW + 1)
				:: else
				fi;
				cur_seq = SEQ_NOW;
				/* Where it calls nobody, the pages may change at once. */
				changing = changing + (covers && !hit)
			};
			unlock(LOCK)
		};
		if
		:: hit ->
			atomic {
				lock(USER_LOCK);
				d_step {
					if
#ifndef ANY_SET_SEQ
					:: OWN_NOW == cur_seq + 2
#endif
					:: else ->
						own[last[OWN_SEQ] + 1] = cur_seq;
						store(_pid, OWN_SEQ)
					fi;
					changing++
				};
				unlock(USER_LOCK)
			}
		:: else
		fi;
		if
		:: covers -> store(_pid, PAGES)
		:: else
		fi;
		inv_end();
		d_step { round++; cur_seq = 0; mine = 0; covers = false; other = false; hit = false }
	:: else -> break
	od
}

/* ---- the driver ---- */

inline interval_insert()
{
	atomic {
		lock(LOCK);
		d_step {
			if
			:: !active_ranges ->
				own[last[OWN_SEQ] + 1] = SEQ_NOW - 1;
				in_tree = true
			:: active_ranges && !ODD ->
				set_seq(SEQ_NOW + 1);
				own[last[OWN_SEQ] + 1] = SEQ_NOW;
				in_tree = true
			:: active_ranges && ODD ->
				own[last[OWN_SEQ] + 1] = SEQ_NOW;
				waits_for_tree = true;
				store(_pid, DEFERRED)
			fi;
			store(_pid, OWN_SEQ)
		};
		unlock(LOCK)
	}
}

/* may_read(): deferred is written once when it is inserted, and once when it is drained. */
inline look_whether_deferred()
{
	atomic {
		load(_pid, DEFERRED, now);
		waits = now == 1;
		if
		:: now == 2 -> d_step { learn(view[_pid], drained_view) }
		:: else
		fi;
		now = 0
	}
#ifdef NO_DEFERRED
	;
	waits = false
#endif
}

inline look_whether_under_way()
{
	atomic {
		load(_pid, SEQ, now);
		d_step { learn(view[_pid], seq_view[now]) };
		waits = waits || seq[now] == began;
		now = 0
	};
#ifndef NO_CLOSED
	atomic {
		load(_pid, CLOSED, now);
		d_step { learn(view[_pid], closed_view[now]) };
		waits = waits || closed[now] == began;
		now = 0
	}
#endif
}

inline may_read()
{
	look_whether_deferred();
	look_whether_under_way()
}

inline wait_fairly()
{
	reading = began;
	do
	::
		may_read();
		if
		:: !waits -> break
		:: else
		fi;
		prepare();
		may_read();
		if
		:: !waits -> break
		:: else
		fi;
		sleep()
	od;
	atomic { announced = 0; reading = 0 }
}

inline read_begin()
{
	atomic {
		lock(LOCK);
		load(_pid, OWN_SEQ, began);
		began = own[began];
		readers_wait = readers_wait || began == SEQ_NOW;
		may_read();
		unlock(LOCK)
	};
	if
	:: waits -> wait_fairly()
	:: else
	fi;
	waits = false
}

active proctype driver()
{
	byte tries, began, now, translation, announced;
	bool accepted, waits;

#ifdef INSERTS
	interval_insert();
#endif
	do
	:: tries < TRIES && !accepted ->
		read_begin();
		load(_pid, PAGES, translation);
		atomic {
			lock(USER_LOCK);
			d_step {
				accepted = OWN_NOW == began;
				stale_accepted = accepted && (changing || translation != last[PAGES]);
				assert(!stale_accepted)
			};
			unlock(USER_LOCK)
		};
		atomic { tries++; began = 0; translation = 0 }
	:: else -> break
	od
}
