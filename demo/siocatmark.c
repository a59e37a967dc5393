// SPDX-License-Identifier: Apache-2.0
/*
 * CVE-2026-52928: the kernel answers SIOCATMARK ("is the next byte out of
 * band?") on sockets that have no byte stream. An unprivileged program sees it
 * from the answer to one ioctl on a datagram socket.
 *
 * Exit status: 0 fixed, 1 vulnerable, 2 something else.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	int fd[2], mark = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) < 0) {
		printf("UNKNOWN: socketpair: %s\n", strerror(errno));
		return 2;
	}
	if (ioctl(fd[0], SIOCATMARK, &mark) == 0) {
		puts("VULNERABLE: SIOCATMARK was accepted on a datagram socket");
		return 1;
	}
	if (errno == EOPNOTSUPP) {
		puts("FIXED: SIOCATMARK was refused on a datagram socket");
		return 0;
	}
	printf("UNKNOWN: SIOCATMARK: %s\n", strerror(errno));
	return 2;
}
