/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections in one thread: enrolments or check-ins, at a rate or as fast as they are answered. */
#ifndef SUTURE_SIM_LOAD_H
#define SUTURE_SIM_LOAD_H

#include "fleet.h"
#include "hist.h"

enum { LOAD_URLS_MAX = 16, LOAD_KEYS_MAX = 64 };

struct load_opts {
	const char *urls[LOAD_URLS_MAX]; /* http://ADDRESS:PORT, https://…, unix:PATH */
	size_t nurls;
	const char *keys[LOAD_KEYS_MAX]; /* registration keys; with them systems are enrolled */
	size_t nkeys;
	const char *get; /* a path: GET this instead of all else; NULL */
	unsigned int connections;
	double rate;		 /* requests a second; 0: as fast as it goes */
	double seconds;		 /* 0: until all are enrolled */
	double warmup;		 /* seconds at the beginning whose latencies are not counted */
	double tls_share;	 /* of the connections, 0…1 */
	double change_share;	 /* of the check-ins */
	unsigned int keep_alive; /* requests on one connection */
	uint64_t seed;
	const volatile int *stop; /* set by a signal; then it ends in order */
};

struct load_result {
	struct hist
		latency; /* microseconds, from when the request was due until its answer was there */
	uint64_t good, statuses[600];
	uint64_t refused, lost, timeouts, retries; /* connections; requests that were repeated */
	uint64_t handshakes, resumed;		   /* of TLS */
	double seconds;
	double longest_gap; /* seconds without any good answer, while there was work */
	uint64_t left;	    /* never answered, although repeated until the end */
};

int load_run(struct fleet *f, const struct load_opts *opts, struct load_result *ret,
	     struct sut_err *err) _must_check_;

#endif
