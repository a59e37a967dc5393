// SPDX-License-Identifier: Apache-2.0
/*
 * How long an empty stop_machine takes, asked from the engine in the virtual
 * machine, to be set beside the pause of a switch in the same boot.
 *
 * usage: stop-machine ROUNDS     prints "min median max" in nanoseconds
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "uapi/suture.h"

int main(int argc, char **argv)
{
	struct suture_pause p = {.rounds = argc > 1 ? (__u32)strtoul(argv[1], NULL, 10) : 0};
	int fd = open("/dev/suture", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, SUTURE_IOC_PAUSE, &p) < 0) {
		fprintf(stderr, "stop-machine: /dev/suture: %s\n", strerror(errno));
		return 1;
	}
	printf("%llu %llu %llu\n", (unsigned long long)p.min_ns, (unsigned long long)p.median_ns,
	       (unsigned long long)p.max_ns);
	return 0;
}
