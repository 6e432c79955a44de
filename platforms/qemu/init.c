/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first and only process of a guest: makes the console its own, runs the commands of the file
 * /commands one after the other, and switches the machine off. /commands has a word a line; an
 * empty line ends a command. Two are ours: "write" and a file, which must be there, and what is
 * written into it; "show" and a file, which is copied to the console.
 *
 * What it says on the console, each in a line of its own:
 *
 *	guest: run N		command N starts, counted from 0
 *	guest: exit N STATUS	it ended by itself
 *	guest: signal N SIGNAL	it was ended
 *	guest: end		all have run
 *	guest: broken: WHY	it cannot go on
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define WORDS	      256
#define CONSOLE_LEVEL 8 /* syslog(2): the level below which the kernel writes to the console */

static _Noreturn void halt(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Nobody is there to ask. */
static _Noreturn void broken(const char *what)
{
	printf("\nguest: broken: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	halt();
}

static void mount_one(const char *type, const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		broken(path);
	if (mount(type, path, type, 0, NULL))
		broken(path);
}

/* The kernel gave us none: an initramfs that no root has made has no device files. */
static void open_console(void)
{
	struct termios modes;
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		halt();
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
	if (tcgetattr(0, &modes))
		return;
	modes.c_oflag &= ~(tcflag_t)OPOST; /* lines end in \n, as in a file */
	tcsetattr(0, TCSANOW, &modes);
}

/* Prints why not, as any program would. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) >= 0;

	if (!written)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return written ? 0 : 1;
}

static int show_file(const char *path)
{
	char block[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
		if (write(1, block, (size_t)n) != n)
			return 1;
	if (n)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return n ? 1 : 0;
}

static _Noreturn void become(char **words)
{
	if (!strcmp(words[0], "write"))
		_exit(words[1] && words[2] ? write_file(words[1], words[2]) : 2);
	if (!strcmp(words[0], "show"))
		_exit(words[1] ? show_file(words[1]) : 2);
	execv(words[0], words);
	fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
	_exit(127);
}

static void run(unsigned number, char **words)
{
	pid_t child;
	int status;

	printf("\nguest: run %u\n", number);
	fflush(stdout);
	child = fork();
	if (child < 0)
		broken("fork");
	if (!child)
		become(words);
	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			broken("waitpid");
	if (WIFEXITED(status))
		printf("\nguest: exit %u %d\n", number, WEXITSTATUS(status));
	else
		printf("\nguest: signal %u %d\n", number, WTERMSIG(status));
	fflush(stdout);
}

struct command {
	char *words[WORDS + 1];
	unsigned nr;   /* of words */
	unsigned done; /* commands */
};

static void add_word(struct command *command, const char *word)
{
	errno = E2BIG;
	if (command->nr == WORDS || !(command->words[command->nr++] = strdup(word)))
		broken("/commands");
}

static void end_command(struct command *command)
{
	if (!command->nr)
		return;
	command->words[command->nr] = NULL;
	run(command->done++, command->words);
	while (command->nr)
		free(command->words[--command->nr]);
}

static void run_all(FILE *commands)
{
	struct command command = {.nr = 0};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, commands)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n)
			add_word(&command, line);
		else
			end_command(&command);
	}
	end_command(&command);
	free(line);
}

int main(void)
{
	FILE *commands;

	mkdir("/dev", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		halt();
	open_console();
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("tmpfs", "/tmp");
	/* From here on only its last words may come between our lines. */
	klogctl(CONSOLE_LEVEL, NULL, 1);
	commands = fopen("/commands", "r");
	if (commands)
		run_all(commands);
	else
		broken("/commands");
	printf("\nguest: end\n");
	fflush(stdout);
	tcdrain(1);
	halt();
}
