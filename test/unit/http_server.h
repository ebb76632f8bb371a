/*
 * http_server.h
 *		A server on the loopback interface, for the tests of the HTTP loop.
 *
 * A program has one.  The path of a request chooses how it is answered: the
 * table behaviours[] in http_server.c has them all.
 */
#ifndef AS_HTTP_SERVER_H
#define AS_HTTP_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* The server's threads change the counters: get() reads them. */
typedef struct Server
{
	int			fd;
	int			port;
	int			connections;	/* accepted */
	int			requests;		/* read in full */
	int			open;			/* connections that still have a thread */
	int			held;			/* requests at /hold that wait for set_holding(false) */
	int64_t		hung_up_at;		/* when /hang saw its client go; atomic, too */
} Server;

extern Server server;

extern void server_start(void); /* ignores SIGPIPE, too: the loop relies on it */
extern void server_stop(void);	/* once it is quiet */

extern int	get(int *counter);

/* While on, as at the start, requests at /hold are not answered. */
extern void set_holding(bool on);

/*
 * Waits until the server has no connection left, and none in its queue.  The
 * tests that count threads need that, and so do tools that look for leaks.
 */
extern void wait_for_quiet(void);

extern struct sockaddr_in loopback_address(int port);

/* A further listener, on a port that was free; ends the program if there is none. */
extern int	listen_somewhere(int *port);

/* The clock is the monotonic one. */
extern int64_t now_ms(void);
extern void sleep_ms(long ms);

#endif							/* AS_HTTP_SERVER_H */
