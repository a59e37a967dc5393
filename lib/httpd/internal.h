/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of lib/httpd share. docs/internals/httpd.md explains how it works together.
 *
 * Threads: one accepts connections and watches deadlines; each worker is a libmicrohttpd daemon
 * with a thread of its own, to which connections are given. A connection stays with its worker; all
 * callbacks about it come from that thread. Answers come from anywhere.
 */
#ifndef SUTURE_HTTPD_INTERNAL_H
#define SUTURE_HTTPD_INTERNAL_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "httpd/httpd.h"
#include "httpd/parse.h"

enum {
	HTTPD_FDS_MAX = 1 << 20, /* descriptors with a higher number are refused */
	HTTPD_LINGER = 4 << 20,	 /* of a body that is too large is read and dropped */
	HTTPD_SLOWEST = 1024,	 /* bytes per second that a client has to take of an answer */
	HTTPD_SLOWEST_SPOOL = 32 << 10, /* bytes per second of a body that goes to a file */
	HTTPD_SPOOLS = 8,
	HTTPD_SPOOL_SPARE = 64 << 20, /* bytes of the disk that stay free */
	HTTPD_ADDRESS_SLOTS = 4096,   /* of the table of addresses */
	HTTPD_POOL_BYTES = 24 * 1024, /* libmicrohttpd's memory for one connection */
	HTTPD_HEADERS_OUT_MAX = 2048, /* bytes of an answer's own headers */
};

/* What a connection is at; with its deadline it is one atomic word. */
enum httpd_phase {
	HTTPD_WAITING,	/* no byte of a request yet; until then it may idle */
	HTTPD_ARRIVING, /* until then the request has to be there whole */
	HTTPD_HANDLING, /* no deadline */
	HTTPD_SENDING,	/* until then the answer has to be gone */
	HTTPD_EXPIRED,
};

struct httpd_worker {
	struct sut_httpd *h;
	struct MHD_Daemon *daemon;
	bool tls;
	_Atomic unsigned int connections;
};

struct httpd_listener {
	int fd;
	char *unix_path; /* to be removed at the end; NULL */
	dev_t dev;	 /* of it, as we made it */
	ino_t ino;
	bool is_unix, tls;
	unsigned int port;
};

struct httpd_conn {
	struct httpd_conn *next, *prev;	 /* under sut_httpd.lock, when started */
	struct httpd_conn *same_address; /* in the table of addresses */
	struct sut_httpd *h;
	struct httpd_worker *worker;
	int fd;
	bool started; /* the worker has it, and will say when it is closed */
	bool is_unix, tls, proxy;
	uint8_t address[16];
	char peer[HTTPD_ADDRESS];
	_Atomic uint64_t phase; /* with its deadline; conn.c */
	_Atomic bool used;	/* it had a request already */
	uint64_t since;		/* ms */
	/* Of the watching thread alone: */
	uint64_t seen_phase, seen_bytes;

	pthread_mutex_t lock; /* of req, while the server stops */
	struct sut_hreq *req; /* handed over and not yet finished */
};

struct httpd_address {
	struct httpd_address *next;
	uint8_t address[16];
	unsigned int connections;
};

struct sut_httpd {
	struct sut_httpd_opts opts; /* defaults filled in, pointers our own */
	struct sut_cidr *proxies;
	_Atomic unsigned int refs; /* the owner's, and one of each request */

	struct httpd_listener listeners[SUT_HTTPD_LISTEN_MAX];
	size_t nlisteners;
	struct httpd_worker *workers; /* nplain of them, then ntls */
	size_t nplain, ntls;
	gnutls_datum_t ticket_key;

	pthread_t watcher;
	bool watching;
	int wake;		   /* eventfd: the watcher looks at the flags */
	_Atomic bool quiet;	   /* no more connections */
	_Atomic bool draining;	   /* "Connection: close" */
	_Atomic bool stopping;	   /* nothing is handed over any more */
	_Atomic bool quit;	   /* the watcher ends */
	_Atomic unsigned int busy; /* threads between handing over and suspending, or answering */

	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t quieted; /* listeners are closed */
	bool listening;
	struct httpd_conn *conns;
	struct httpd_conn **by_fd;
	size_t nby_fd;
	struct httpd_address *addresses[HTTPD_ADDRESS_SLOTS];
	unsigned int nconns;

	_Atomic uint64_t accepted, refused, requests, timeouts;
	_Atomic unsigned int in_flight, spools;
	uint64_t id_seed;
	_Atomic uint64_t id_count;
};

enum httpd_state {
	HTTPD_RECEIVING,
	HTTPD_HANDED,	 /* the owner has it; the connection is not suspended yet */
	HTTPD_SUSPENDED, /* its connection is; the one who changes this resumes it */
	HTTPD_ANSWERED,
	HTTPD_ADMITTED,	 /* instead of an answer: its body may come */
	HTTPD_ABANDONED, /* the server stops */
};

struct httpd_answer {
	int status;
	char *headers; /* lines, each ended by NUL, then an empty one; NULL */
	const char *type;
	void *body; /* this … */
	size_t len;
	void (*free_body)(void *body);
	int fd; /* … or len bytes of this file, from `from` */
	uint64_t from, size;
	bool close;
};

/* A body on its way to a file. */
struct httpd_spool {
	bool on;
	int fd;	       /* -1: not open */
	int dir;       /* of our own */
	char name[32]; /* where files without a name are not possible: it has this one; "" */
	uint64_t len, max;
};

struct sut_hreq {
	struct sut_httpd *h;
	struct httpd_conn *conn;    /* only the worker may look at it */
	struct MHD_Connection *mhd; /* likewise, but for resuming */
	_Atomic int state;	    /* enum httpd_state */
	_Atomic int refs;	    /* the worker's and the owner's */
	bool begun;		    /* the headers came */
	bool asking;		    /* `admit` has it; nothing of the body was read */
	bool turned_away;	    /* `admit` answered: what comes of the body is dropped */
	bool counted;		    /* in in_flight */
	bool chunked;
	bool tls;
	char peer[HTTPD_ADDRESS];
	char id[SUT_HTTPD_REQUEST_ID + 1];
	struct timespec since;

	char *heads; /* method and headers, one allocation */
	const char *method;
	struct httpd_arg headers[SUT_HTTPD_HEADER_LINES];
	size_t nheaders;
	struct httpd_arg *args;
	size_t nargs;
	char *path, *query_raw, *query;
	struct sut_buf body;
	uint64_t declared; /* bytes of the body; UINT64_MAX: not known */
	size_t body_limit, dropped;
	struct httpd_spool spool;
	int refuse; /* a status, instead of handle(), when the body is there; 0 */

	struct httpd_answer answer;
	void *data;
	size_t target_len; /* as it was sent */
	char target[];
};

/* --- listen.c --- */
/* One entry of opts.listen; tls: when there is a certificate. */
int httpd_listen(const char *where, bool tls, struct httpd_listener *ret,
		 struct sut_err *err) _must_check_;
int httpd_inherit(int fd, bool tls, struct httpd_listener *ret, struct sut_err *err) _must_check_;
void httpd_unlisten(struct httpd_listener *l);

/* --- conn.c --- */
uint64_t httpd_now_ms(void);
/* Accepts connections and watches deadlines until h->quit. */
void *httpd_watch(void *h);
/* Callback of libmicrohttpd. */
void httpd_on_connection(void *worker, struct MHD_Connection *mhd, void **context,
			 enum MHD_ConnectionNotificationCode code);
/* False: its time was over. */
bool httpd_set_phase(struct httpd_conn *c, enum httpd_phase phase, uint64_t deadline_ms);
/* Whatever libmicrohttpd did not start before its end. */
void httpd_conns_release(struct sut_httpd *h);

/* --- request.c --- */
/* Callbacks of libmicrohttpd. */
void *httpd_on_target(void *worker, const char *target, struct MHD_Connection *mhd);
enum MHD_Result httpd_on_request(void *worker, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version, const char *data,
				 size_t *data_len, void **context);
void httpd_on_completed(void *worker, struct MHD_Connection *mhd, void **context,
			enum MHD_RequestTerminationCode how);
void httpd_hreq_unref(struct sut_hreq *q);

/* --- spool.c --- */
/* dir: the caller's. NULL: the file is open. Else what is wrong, with the status. declared: UINT64_MAX when it is not known. */
const char *httpd_spool_begin(struct sut_hreq *q, int dir, uint64_t max, uint64_t declared,
			      int *ret_status);
/* 0, or the status of why not. */
int httpd_spool_add(struct sut_hreq *q, const void *data, size_t len);
void httpd_spool_release(struct sut_hreq *q);

/* --- strict.c --- */
/* What libmicrohttpd lets pass and a proxy may read otherwise. NULL: nothing; else what is wrong.
 * Copies method and headers to q. *ret_status: what to answer. */
const char *httpd_take_head(struct sut_hreq *q, struct MHD_Connection *mhd, const char *url,
			    const char *method, const char *version, int *ret_status,
			    uint64_t *ret_body);

/* --- answer.c --- */
/* A problem document as the answer of q, which is not handed over. close: the connection, after it. */
void httpd_refuse(struct sut_hreq *q, int status, const char *code, const char *detail, bool close);
/* Queues q->answer. False: it could not be, close the connection. */
bool httpd_send(struct sut_hreq *q);
void httpd_answer_release(struct httpd_answer *a);
/* The owner's side: q->answer is filled, or it is let come. Gives the owner's reference back. */
void httpd_answered(struct sut_hreq *q, enum httpd_state how);

/* --- server.c --- */
void httpd_unref(struct sut_httpd *h);

#endif
