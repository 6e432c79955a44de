/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small words: atomics, error pointers, hash lists, tree nodes, memory. */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/interval_tree.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "check.h"

static void atomic_results(void)
{
	atomic_t v = ATOMIC_INIT(3);
	u64 word = 7;
	u8 byte = 1;

	CHECK_EQ(atomic_read(&v), 3);
	atomic_inc(&v);
	CHECK_EQ(atomic_add_return(6, &v), 10);
	atomic_dec(&v);
	CHECK_EQ(atomic_read(&v), 9);
	atomic_set(&v, 2);
	CHECK(!atomic_dec_and_test(&v));
	CHECK(atomic_inc_not_zero(&v));
	CHECK_EQ(atomic_read(&v), 2);
	CHECK(!atomic_dec_and_test(&v));
	CHECK(atomic_dec_and_test(&v));
	CHECK(!atomic_inc_not_zero(&v));
	CHECK_EQ(atomic_read(&v), 0);

	CHECK_EQ(xchg(&word, 8), 7);
	CHECK_EQ(cmpxchg(&word, 7, 9), 8);
	CHECK_EQ(word, 8);
	CHECK_EQ(cmpxchg(&word, 8, 1ull << 40), 8);
	CHECK_EQ(word, 1ull << 40);
	CHECK_EQ(xchg(&byte, 2), 1);
	CHECK_EQ(cmpxchg_acquire(&byte, 2, 3), 2);
	CHECK_EQ(cmpxchg_release(&byte, 2, 4), 3);
	CHECK_EQ(cmpxchg_relaxed(&byte, 3, 4), 3);
	CHECK_EQ(byte, 4);
}

static atomic_t shared;
static unsigned long ends, n_rounds, started;

static void count_up_and_down(void *arg)
{
	meet(&started, *(unsigned long *)arg, 1);
	for (unsigned long i = 0; i < n_rounds; i++) {
		atomic_inc(&shared);
		atomic_add_return(2, &shared);
		atomic_dec(&shared);
		if (atomic_inc_not_zero(&shared))
			atomic_dec(&shared);
	}
	for (unsigned long i = 0; i < n_rounds; i++)
		for (int k = 0; k < 2; k++)
			if (atomic_dec_and_test(&shared))
				bump(ends);
}

static void atomics_from_threads(void)
{
	struct task tasks[4];
	unsigned long threads = ARRAY_SIZE(tasks);

	n_rounds = rounds(50000);
	atomic_set(&shared, 1);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], count_up_and_down, &threads);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_EQ(atomic_read(&shared), 1);
	CHECK_EQ(ends, 0); /* the 1 that main() has keeps it up */
	CHECK(atomic_dec_and_test(&shared));
}

static void error_pointers(void)
{
	int object;

	CHECK(IS_ERR(ERR_PTR(-EOVERFLOW)));
	CHECK(IS_ERR(ERR_PTR(-MAX_ERRNO)));
	CHECK(!IS_ERR(ERR_PTR(-MAX_ERRNO - 1)));
	CHECK(!IS_ERR(&object));
	CHECK(!IS_ERR(NULL));
	CHECK(IS_ERR_OR_NULL(NULL));
	CHECK(IS_ERR_OR_NULL(ERR_PTR(-1)));
	CHECK(!IS_ERR_OR_NULL(&object));
	CHECK_EQ(PTR_ERR(ERR_PTR(-EINVAL)), -EINVAL);
	CHECK_EQ(PTR_ERR_OR_ZERO(ERR_PTR(-ENOMEM)), -ENOMEM);
	CHECK_EQ(PTR_ERR_OR_ZERO(&object), 0);
}

static void arithmetic(void)
{
	int once = 0, array[5];

	CHECK_EQ(ARRAY_SIZE(array), 5);
	CHECK_EQ(min(3, 4), 3);
	CHECK_EQ(max(3ul, 4ul), 4);
	CHECK_EQ(min(++once, 9), 1);
	CHECK_EQ(max(++once, 0), 2);
}

struct item {
	struct hlist_node link;
	char name;
};

static const char *names(struct hlist_head *head)
{
	static char text[16];
	struct item *item;
	size_t n = 0;

	hlist_for_each_entry(item, head, link) {
		/* What points at it is where it says. */
		CHECK(*item->link.pprev == &item->link);
		text[n++] = item->name;
	}
	text[n] = 0;
	return text;
}

static void hash_list(void)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, *item;
	struct hlist_node *next;

	CHECK(hlist_empty(&head));
	INIT_HLIST_NODE(&a.link);
	CHECK(hlist_unhashed(&a.link));
	hlist_add_head(&a.link, &head);
	CHECK(!hlist_unhashed(&a.link));
	CHECK(!hlist_empty(&head));
	hlist_add_head(&b.link, &head);
	hlist_add_head(&c.link, &head);
	CHECK_STR(names(&head), "cba");
	hlist_del(&b.link); /* from the middle */
	CHECK_STR(names(&head), "ca");
	hlist_add_head(&b.link, &head);
	hlist_del_init(&b.link); /* the first */
	CHECK(hlist_unhashed(&b.link));
	hlist_del_init(&b.link); /* nothing to do */
	CHECK_STR(names(&head), "ca");
	hlist_del_init(&a.link); /* the last */
	CHECK_STR(names(&head), "c");
	hlist_add_head(&a.link, &head);
	hlist_add_head(&b.link, &head);
	hlist_for_each_entry_safe(item, next, &head, link)
		if (item != &a)
			hlist_del(&item->link);
	CHECK_STR(names(&head), "a");
	hlist_del(&a.link);
	CHECK(hlist_empty(&head));
}

static void tree_nodes(void)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct interval_tree_node node = {.start = 1, .last = 2};

	RB_CLEAR_NODE(&node.rb);
	CHECK(RB_EMPTY_NODE(&node.rb));
	CHECK(RB_EMPTY_ROOT(&root.rb_root));
	interval_tree_insert(&node, &root);
	CHECK(!RB_EMPTY_NODE(&node.rb));
	CHECK(!RB_EMPTY_ROOT(&root.rb_root));
	CHECK(rb_entry(rb_first_cached(&root), struct interval_tree_node, rb) == &node);
	CHECK(!rb_parent(&node.rb));
	CHECK(!rb_next(&node.rb));
	interval_tree_remove(&node, &root);
	CHECK(RB_EMPTY_ROOT(&root.rb_root));
	CHECK(!rb_first_cached(&root));
}

static void memory(void)
{
	unsigned char *p = kzalloc(100, GFP_KERNEL);
	int set_bytes = 0;

	if (!CHECK(p))
		return;
	CHECK_EQ((unsigned long)p % _Alignof(max_align_t), 0);
	for (int i = 0; i < 100; i++)
		set_bytes += p[i] != 0;
	CHECK_EQ(set_bytes, 0);
	kfree(p);
	kfree(NULL);
}

static struct rw_semaphore sem;
static unsigned long under_write[2];
static unsigned int readers_inside;

static void read_and_write(void *arg)
{
	(void)arg;
	for (unsigned long i = 0; i < n_rounds; i++) {
		if (i % 4) {
			down_read(&sem);
			bump(readers_inside);
			CHECK_EQ(under_write[0], under_write[1]);
			__atomic_sub_fetch(&readers_inside, 1, __ATOMIC_ACQ_REL);
			up_read(&sem);
		} else {
			down_write(&sem);
			CHECK_EQ(get(readers_inside), 0);
			under_write[0]++;
			under_write[1]++;
			up_write(&sem);
		}
	}
}

static void wait_for_write(void *arg)
{
	(void)arg;
	down_write(&sem);
	up_write(&sem);
}

static void reader_writer_semaphore(void)
{
	struct task tasks[3], writer;

	init_rwsem(&sem);
	n_rounds = 4 * rounds(1000);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], read_and_write, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_EQ(under_write[0], ARRAY_SIZE(tasks) * n_rounds / 4);

	down_read(&sem);
	down_read(&sem);
	task_start(&writer, wait_for_write, NULL);
	up_read(&sem);
	CHECK(task_blocks(&writer));
	up_read(&sem);
	CHECK(task_ends(&writer));
	task_join(&writer);
}

int main(void)
{
	RUN(atomic_results);
	RUN(atomics_from_threads);
	RUN(error_pointers);
	RUN(arithmetic);
	RUN(hash_list);
	RUN(tree_nodes);
	RUN(memory);
	RUN(reader_writer_semaphore);
	return check_exit();
}
