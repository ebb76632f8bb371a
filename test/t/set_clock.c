/*
 * set_clock.c
 *		To be preloaded: a clock on the wall that a test can set.
 *
 * The file that AS_CLOCK names holds a number of eight bytes: by how many microseconds
 * the clock of every process that has it open is ahead. The monotonic clock goes on as
 * it does, as it would if somebody set the machine's clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t
ahead(void)
{
	static const volatile int64_t *file = NULL;

	if (file == NULL)
	{
		static const int64_t none = 0;
		const char *name = getenv("AS_CLOCK");
		int			fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
		void	   *map = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

		file = map != MAP_FAILED ? map : &none;
		if (fd >= 0)
			close(fd);
	}
	return *file;
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int			result = (int) syscall(SYS_clock_gettime, clock, ts);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
	{
		int64_t		us = (int64_t) ts->tv_sec * 1000000 + ts->tv_nsec / 1000 + ahead();

		ts->tv_nsec = (us % 1000000) * 1000 + ts->tv_nsec % 1000;
		ts->tv_sec = us / 1000000;
	}
	return result;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *result)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (result != NULL)
		*result = ts.tv_sec;
	return ts.tv_sec;
}
