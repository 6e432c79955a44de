/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A weakly ordered memory: README.md says what it allows and what it does not.
 *
 * All writes to one place stand in a row; last[] is how many there are so far,
 * and a write is known by its number. A thread's view holds, for each place,
 * the oldest write that it may still read. Nothing but a view stops a load
 * from being stale: so loads pass loads, stores pass stores and loads pass
 * stores wherever no barrier has raised the view.
 *
 * The including model defines THREADS and PLACES.
 */
typedef view_t {
	byte at[PLACES]
};

byte last[PLACES];
view_t view[THREADS];
view_t common; /* what the full barriers so far have made common knowledge */
hidden byte _i; /* loops inside one step */

/* Reads any write that the thread does not know to be overwritten: V is its number. */
inline load(t, place, v)
{
	atomic {
		v = view[t].at[place];
		do
		:: v < last[place] -> v++
		:: break
		od;
		view[t].at[place] = v
	}
}

/* The next write in the place's row; what it stores follows from its number. */
inline store(t, place)
{
	d_step {
		last[place]++;
		view[t].at[place] = last[place]
	}
}

/* Raises TO to what FROM knows. */
inline learn(to, from)
{
	_i = 0;
	do
	:: _i < PLACES ->
		if
		:: to.at[_i] < from.at[_i] -> to.at[_i] = from.at[_i]
		:: else
		fi;
		_i++
	:: else -> break
	od;
	_i = 0
}

/* smp_mb(): all full barriers are one after another, and each knows what the earlier ones knew. */
inline barrier(t)
{
	d_step {
		learn(common, view[t]);
		learn(view[t], common)
	}
}
