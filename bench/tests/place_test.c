/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a lock and the words beside it lie. */
#include "check.h"
#include "place.h"
#include "places.h"

#include "../../platforms/arch.h"

#include <errno.h>

#define THREADS 40 /* more than a line or a page has words for */
#define PAGE	4096

static const struct bench_op op = {.params = {{"user_lock", 1, {0}, 0}, PLACE_PARAM}};
static struct op_run run;
static struct place place;

static int make(const char *where)
{
	run = (struct op_run){.op = &op, .threads = THREADS, .topo = topo, .slots = places};
	for (run.param[1] = 0; strcmp(place_names[run.param[1]], where); run.param[1]++)
		;
	return place_make(&run, &place);
}

static uintptr_t word_of(unsigned int thread)
{
	const struct op_thread t = {.run = &run, .index = thread};
	uint32_t *word = place_word(&place, &t);

	*word = 1; /* it is ours to write */
	return (uintptr_t)word;
}

static uintptr_t object(void)
{
	return (uintptr_t)place.object;
}

static bool zeroed(void)
{
	for (size_t i = 0; i < PLACE_ROOM; i++)
		if (((const unsigned char *)place.object)[i])
			return false;
	return true;
}

static void test_page(void)
{
	CHECK(!make("page"));
	CHECK(object() % PAGE == 0 && zeroed());
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK(word_of(i) / PAGE != object() / PAGE);
		for (unsigned int j = 0; j < i; j++)
			CHECK(word_of(i) / ARCH_ALIGN_OWN_LINE != word_of(j) / ARCH_ALIGN_OWN_LINE);
	}
	CHECK(zeroed());
	place_free(&place);
}

static void test_line(void)
{
	CHECK(!make("line"));
	CHECK(object() % PAGE == 0 && zeroed());
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK(word_of(i) / PAGE == object() / PAGE);
		CHECK(word_of(i) >= object() + PLACE_ROOM);
	}
	for (unsigned int i = 0; i < 8; i++)
		CHECK(word_of(i) / ARCH_ALIGN_OWN_LINE != word_of(8 + i) / ARCH_ALIGN_OWN_LINE);
	CHECK(zeroed());
	place_free(&place);
}

/* On the lock's line even where lines are of 64 bytes, and on nothing of what is placed there. */
static void test_shared(void)
{
	CHECK(!make("shared"));
	CHECK(object() % PLACE_ALIGN == 0 && zeroed());
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK(word_of(i) / 64 == object() / 64);
		CHECK(word_of(i) + sizeof(uint32_t) <= object());
	}
	CHECK(word_of(0) != word_of(1));
	CHECK(zeroed());
	place_free(&place);
}

static bool has_other_node(void)
{
	struct pin_slot slot;

	for (unsigned int i = 0; i < pin_pu_count(topo); i++)
		if (!pin_slot_of(topo, pin_pu_at(topo, i), &slot) && slot.node != places[0].node)
			return true;
	return false;
}

static void test_remote(void)
{
	int node;

	take_places("compact", THREADS);
	if (!has_other_node()) {
		CHECK(make("remote") == -ENOTSUP);
		CHECK_TEXT(run.why ? run.why : "", "there is no other node for the lock");
		place_free(&place);
	} else if (CHECK(!make("remote"))) {
		node = pin_node_of(topo, place.object);
		CHECK(node < 0 || node != places[0].node);
		CHECK(word_of(0) / PAGE != object() / PAGE);
		place_free(&place);
	}
	take_places("none", THREADS);
	CHECK(make("remote") == -ENOTSUP);
	CHECK_HAS(run.why ? run.why : "", "not pinned");
	place_free(&place);
}

int main(void)
{
	load_topology();
	take_places("compact", THREADS);
	test_page();
	test_line();
	test_shared();
	test_remote();
	pin_topology_free(topo);
	return check_result();
}
