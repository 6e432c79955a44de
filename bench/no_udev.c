/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the static binary only: what libhwloc.a calls and a self-contained file cannot have.
 *
 * libudev comes in no .a. The kind of lie: "this machine has no udev". hwloc asks udev for the
 * names, models and serial numbers of disks and DIMMs, and does without them when udev_new()
 * fails: the others are never called then. CPUs, caches and NUMA nodes come from /sys and are
 * the truth.
 *
 * dlopen() would load hwloc's plugins, which want the C library that they were built with, not
 * the one in here, so the static link wraps it. The kind of lie: "there are no plugins". They
 * know of GPUs, nothing that we use.
 */
#include <stddef.h>

struct udev;
struct udev_device;

struct udev *udev_new(void);
struct udev *udev_unref(struct udev *udev);
struct udev_device *udev_device_new_from_subsystem_sysname(struct udev *udev, const char *subsystem,
							   const char *sysname);
const char *udev_device_get_property_value(struct udev_device *device, const char *key);
struct udev_device *udev_device_unref(struct udev_device *device);
void *__wrap_dlopen(const char *path, int mode);

struct udev *udev_new(void)
{
	return NULL;
}

struct udev *udev_unref(struct udev *udev)
{
	(void)udev;
	return NULL;
}

struct udev_device *udev_device_new_from_subsystem_sysname(struct udev *udev, const char *subsystem,
							   const char *sysname)
{
	(void)udev;
	(void)subsystem;
	(void)sysname;
	return NULL;
}

const char *udev_device_get_property_value(struct udev_device *device, const char *key)
{
	(void)device;
	(void)key;
	return NULL;
}

struct udev_device *udev_device_unref(struct udev_device *device)
{
	(void)device;
	return NULL;
}

void *__wrap_dlopen(const char *path, int mode)
{
	(void)path;
	(void)mode;
	return NULL;
}
