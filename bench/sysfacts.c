/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE 1
#include "sysfacts.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Add an answer to those found before, unless it is among them. */
static void join(char *value, size_t len, const char *more)
{
	size_t length = strlen(more), used = strlen(value);

	for (const char *at = value; length && (at = strstr(at, more)); at++)
		if ((at == value || at[-1] == ' ') && (!at[length] || at[length] == ','))
			return;
	snprintf(value + used, len - used, "%s%s", used ? ", " : "", more);
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\n");
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

bool fact_file(const char *path, char *value, size_t len)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	bool any, found;

	if (!file)
		return false;
	any = getline(&line, &room, file) >= 0;
	found = any || !ferror(file); /* an empty file is an answer: "none" */
	if (found)
		snprintf(value, len, "%s", any ? trim(line) : "");
	free(line);
	fclose(file);
	return found;
}

bool fact_selected(const char *path, char *value, size_t len)
{
	char line[256], *open, *close;

	if (!fact_file(path, line, sizeof(line)))
		return false;
	open = strchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return false;
	snprintf(value, len, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

bool fact_link(const char *path, char *value, size_t len)
{
	ssize_t n = readlink(path, value, len - 1);

	if (n < 0)
		return false;
	value[n] = '\0';
	return true;
}

/* The values of a key in a file of lines "key : value". */
static bool find_key(const char *path, const char *key, char *value, size_t len)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	bool found = false;

	if (!file)
		return false;
	*value = '\0';
	while (getline(&line, &room, file) >= 0) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		if (strcmp(trim(line), key))
			continue;
		join(value, len, trim(colon + 1));
		found = true;
	}
	free(line);
	fclose(file);
	return found;
}

bool fact_cpuinfo(const char *key, char *value, size_t len)
{
	return find_key("/proc/cpuinfo", key, value, len);
}

bool fact_cpuflag(const char *flag, char *value, size_t len)
{
	char flags[8192], *rest = flags, *word;
	bool has = false;

	if (!fact_cpuinfo("flags", flags, sizeof(flags)))
		return false;
	while ((word = strsep(&rest, " ")))
		has |= !strcmp(word, flag);
	snprintf(value, len, "%d", has);
	return true;
}

bool fact_meminfo(const char *key, char *value, size_t len)
{
	if (!find_key("/proc/meminfo", key, value, len))
		return false;
	value[strcspn(value, " ")] = '\0'; /* "kB", which are KiB */
	return true;
}

bool fact_cmdline(const char *parameter, char *value, size_t len)
{
	size_t length = strlen(parameter);
	char line[4096], *rest = line, *word;

	if (!fact_file("/proc/cmdline", line, sizeof(line)))
		return false;
	*value = '\0';
	while ((word = strsep(&rest, " ")))
		if (!strncmp(word, parameter, length) && word[length] == '=')
			snprintf(value, len, "%s", word + length + 1);
	return true;
}

bool fact_cpufreq(const char *name, char *value, size_t len)
{
	static const char folder[] = "/sys/devices/system/cpu/cpufreq";
	DIR *policies = opendir(folder);
	const struct dirent *entry;
	bool found = false;

	if (!policies)
		return false;
	*value = '\0';
	while ((entry = readdir(policies))) {
		char path[sizeof(folder) + sizeof(entry->d_name) + 64], one[256];

		if (strncmp(entry->d_name, "policy", strlen("policy")))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", folder, entry->d_name, name);
		if (!fact_file(path, one, sizeof(one)))
			continue;
		join(value, len, one);
		found = true;
	}
	closedir(policies);
	return found;
}

bool fact_turbo(const char *unused, char *value, size_t len)
{
	(void)unused;
	if (fact_file("/sys/devices/system/cpu/cpufreq/boost", value, len))
		return true;
	if (!fact_file("/sys/devices/system/cpu/intel_pstate/no_turbo", value, len))
		return false;
	snprintf(value, len, "%d", !strcmp(value, "0"));
	return true;
}

/* Implementer and part of MIDR_EL1, as published by their makers. */
static const struct {
	unsigned long implementer, part;
	const char *name;
} arm_cores[] = {
	{0x41, 0xd03, "Cortex-A53"},	 {0x41, 0xd04, "Cortex-A35"},
	{0x41, 0xd05, "Cortex-A55"},	 {0x41, 0xd07, "Cortex-A57"},
	{0x41, 0xd08, "Cortex-A72"},	 {0x41, 0xd09, "Cortex-A73"},
	{0x41, 0xd0a, "Cortex-A75"},	 {0x41, 0xd0b, "Cortex-A76"},
	{0x41, 0xd0c, "Neoverse-N1"},	 {0x41, 0xd0d, "Cortex-A77"},
	{0x41, 0xd40, "Neoverse-V1"},	 {0x41, 0xd41, "Cortex-A78"},
	{0x41, 0xd44, "Cortex-X1"},	 {0x41, 0xd46, "Cortex-A510"},
	{0x41, 0xd47, "Cortex-A710"},	 {0x41, 0xd48, "Cortex-X2"},
	{0x41, 0xd49, "Neoverse-N2"},	 {0x41, 0xd4a, "Neoverse-E1"},
	{0x41, 0xd4b, "Cortex-A78C"},	 {0x41, 0xd4d, "Cortex-A715"},
	{0x41, 0xd4e, "Cortex-X3"},	 {0x41, 0xd4f, "Neoverse-V2"},
	{0x41, 0xd80, "Cortex-A520"},	 {0x41, 0xd81, "Cortex-A720"},
	{0x41, 0xd82, "Cortex-X4"},	 {0x41, 0xd84, "Neoverse-V3"},
	{0x41, 0xd8e, "Neoverse-N3"},	 {0x48, 0xd01, "TaiShan v110"},
	{0x61, 0x022, "Apple Icestorm"}, {0x61, 0x023, "Apple Firestorm"},
	{0xc0, 0xac3, "Ampere-1"},
};

bool fact_arm_name(const char *unused, char *value, size_t len)
{
	char implementer[64], parts[256], *rest = parts, *part;
	bool found = false;

	(void)unused;
	if (!fact_cpuinfo("CPU implementer", implementer, sizeof(implementer)) ||
	    !fact_cpuinfo("CPU part", parts, sizeof(parts)))
		return false;
	*value = '\0';
	while ((part = strsep(&rest, ","))) {
		for (size_t i = 0; i < sizeof(arm_cores) / sizeof(*arm_cores); i++) {
			if (arm_cores[i].implementer != strtoul(implementer, NULL, 0) ||
			    arm_cores[i].part != strtoul(part, NULL, 0))
				continue;
			join(value, len, arm_cores[i].name);
			found = true;
		}
	}
	return found;
}
