/*
 * Runs programs and says what they took: nanoseconds of the clock, of the processor, and KiB of memory at
 * the most, with all that they executed.
 *
 *   spawn          one line: INPUT OUTPUT NAME=VALUE ... PROGRAM ARGUMENT ..., apart by tabs
 *
 * INPUT and OUTPUT are files; `-` stands for /dev/null. What is set stays set.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"

extern char **environ;

static long long microseconds(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

static const char *file(const char *word)
{
	return strcmp(word, "-") ? word : "/dev/null";
}

int main(void)
{
	static char line[LINE];
	char *word[64];
	while (fgets(line, sizeof line, stdin)) {
		int count = words(line, word, 63);
		if (count < 3)
			continue;
		word[count] = NULL;
		char **program = word + 2;
		while (*program && strchr(*program, '='))
			putenv(strdup(*program++));
		if (!*program)
			continue;
		posix_spawn_file_actions_t actions;
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 0, file(word[0]), O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 1, file(word[1]), O_WRONLY | O_CREAT | O_TRUNC, 0644);
		struct rusage usage;
		pid_t child;
		int status;
		long long wall = clock_now(CLOCK_MONOTONIC);
		if (posix_spawn(&child, *program, &actions, NULL, program, environ))
			fail(*program);
		if (wait4(child, &status, 0, &usage) != child)
			fail("wait");
		wall = clock_now(CLOCK_MONOTONIC) - wall;
		if (status) {
			fprintf(stderr, "%s failed: %d\n", *program, status);
			return 1;
		}
		long long cpu = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
		printf("%lld %lld %ld\n", wall, cpu * 1000, usage.ru_maxrss);
		fflush(stdout);
		posix_spawn_file_actions_destroy(&actions);
	}
	return 0;
}
