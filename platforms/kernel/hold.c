// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/mnbench: who opens it and writes "NOTIFIERS INTERVALS START STRIDE" has so many list
 * notifiers on its mm, and so many intervals of half a stride each, from START on, until it writes
 * again or closes it. So munmap() and mprotect(), which no module can call, are timed from outside,
 * by the process that they cost something.
 */

#include "twin.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define MOST_NOTIFIERS 1024ul
#define MOST_INTERVALS 1000000ul

struct holder {
	struct mutex lock;
	struct twin_trial held;
};

static int hold_open(struct inode *inode, struct file *file)
{
	struct holder *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (!h)
		return -ENOMEM;
	mutex_init(&h->lock);
	file->private_data = h;
	return nonseekable_open(inode, file);
}

static void let_go(struct holder *h)
{
	struct mm_struct *mm = h->held.mm;

	twin_world_free(&h->held);
	memset(&h->held, 0, sizeof(h->held));
	if (mm)
		mmdrop(mm);
}

static int hold_release(struct inode *inode, struct file *file)
{
	let_go(file->private_data);
	kfree(file->private_data);
	return 0;
}

static int hold(struct twin_trial *t, unsigned long notifiers, unsigned long intervals,
		unsigned long start, unsigned long stride)
{
	int ret = twin_list_register(t, notifiers);

	if (!ret)
		ret = twin_batch_alloc(t, &t->base, intervals);
	if (ret)
		return ret;
	t->base.length = stride / 2;
	for (size_t i = 0; i < intervals; i++)
		t->base.start[i] = start + i * stride;
	return twin_base_insert(t);
}

static ssize_t hold_write(struct file *file, const char __user *from, size_t len, loff_t *at)
{
	unsigned long notifiers, intervals, start, stride;
	struct holder *h = file->private_data;
	char text[96];
	int ret;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	text[len] = '\0';
	if (sscanf(text, "%lu %lu %lx %lx", &notifiers, &intervals, &start, &stride) != 4 ||
	    notifiers > MOST_NOTIFIERS || intervals > MOST_INTERVALS || stride < 2)
		return -EINVAL;
	ret = mutex_lock_interruptible(&h->lock);
	if (ret)
		return ret;
	let_go(h);
	h->held.mm = current->mm;
	mmgrab(h->held.mm);
	ret = hold(&h->held, notifiers, intervals, start, stride);
	if (ret)
		let_go(h);
	mutex_unlock(&h->lock);
	return ret ?: len;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = hold_open,
	.release = hold_release,
	.write = hold_write,
};

static struct miscdevice hold_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &hold_fops,
	.mode = 0600,
};

int twin_hold_begin(void)
{
	return misc_register(&hold_device);
}

void twin_hold_end(void)
{
	misc_deregister(&hold_device);
}
