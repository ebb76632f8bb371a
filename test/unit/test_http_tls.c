/*
 * test_http_tls.c
 *		TLS, against openssl's own little server, if that command is there.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

static bool
make_certificate(const char *dir)
{
	char		command[1024];

	snprintf(command, sizeof(command),
			 "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem "
			 "-out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost "
			 ">/dev/null 2>&1", dir);
	return system(command) == 0;
}

static pid_t
start_tls_server(const char *dir, int port, const char *option)
{
	char		accept_on[32];
	pid_t		pid;

	snprintf(accept_on, sizeof(accept_on), "127.0.0.1:%d", port);
	pid = fork();
	if (pid == 0)
	{
		int			null = open("/dev/null", O_RDWR);

		if (chdir(dir) != 0)
			_exit(126);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("openssl", "openssl", "s_server", "-accept", accept_on, "-cert", "cert.pem",
			   "-key", "key.pem", "-www", option, (char *) NULL);
		_exit(127);
	}
	return pid;
}

static bool
wait_for_port(int port)
{
	struct sockaddr_in address = loopback_address(port);
	int			i;

	for (i = 0; i < 100; i++)
	{
		int			fd = socket(AF_INET, SOCK_STREAM, 0);
		int			rc = connect(fd, (struct sockaddr *) &address, sizeof(address));

		close(fd);
		if (rc == 0)
			return true;
		sleep_ms(50);
	}
	return false;
}

static Result
fetch_tls(HttpLoop *loop, const char *host, int port)
{
	RequestParts parts;
	HttpSpec	spec;

	spec_init(&spec, &parts, LOCAL, "/", port);
	buf_reset(&parts.url);
	buf_printf(&parts.url, "https://%s:%d/", host, port);

	/* openssl's server knows GET only */
	buf_free(&parts.body);
	buf_init(&parts.body, 0);
	spec.allow_http = false;
	return fetch(loop, &spec);
}

static void
try_tls(const char *dir, int port)
{
	char		ca_file[256];
	HttpLoop   *loop = http_loop_create(0, NULL);
	Result		r = fetch_tls(loop, "localhost", port);

	check(r.end == HTTP_TLS && !r.request_sent && strncmp(r.error, "TLS failed: ", 12) == 0,
		  "an unknown certificate", &r);
	http_loop_free(loop);

	snprintf(ca_file, sizeof(ca_file), "%s/cert.pem", dir);
	loop = http_loop_create(0, ca_file);
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_COMPLETE && r.status == 200 && r.received > 100,
		  "a certificate from ca_file", &r);
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_COMPLETE && r.status == 200, "and once more", &r);
	r = fetch_tls(loop, "127.0.0.1", port);
	check(r.end == HTTP_TLS && !r.request_sent, "a certificate for another name", &r);
	r = fetch_tls(loop, "127.0.0.1", server.port);
	check(r.end == HTTP_TLS && !r.request_sent, "TLS to a server that speaks none", &r);
	http_loop_free(loop);

	loop = http_loop_create(0, "/nonexistent/ca.pem");
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_TLS && !r.request_sent && strstr(r.error, "/nonexistent/ca.pem") != NULL,
		  "an unreadable ca_file is named", &r);
	http_loop_free(loop);
}

static void
try_old_tls(const char *dir)
{
	char		ca_file[256];
	HttpLoop   *loop;
	Result		r;
	int			port;
	pid_t		pid;

	close(listen_somewhere(&port));
	pid = start_tls_server(dir, port, "-tls1_1");
	snprintf(ca_file, sizeof(ca_file), "%s/cert.pem", dir);
	if (pid > 0 && wait_for_port(port))
	{
		loop = http_loop_create(0, ca_file);
		r = fetch_tls(loop, "localhost", port);
		check(r.end == HTTP_TLS && !r.request_sent, "TLS 1.1 is too old", &r);
		http_loop_free(loop);
	}
	else
		tap_skip("TLS 1.1 is too old", "openssl cannot speak it");
	if (pid > 0)
	{
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void
remove_certificate(const char *dir)
{
	char		path[256];

	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	unlink(path);
	rmdir(dir);
}

static void
test_tls(void)
{
	char		dir[] = "/tmp/test_http_tls_XXXXXX";
	int			port;
	pid_t		pid = -1;

	if (mkdtemp(dir) == NULL || !make_certificate(dir))
	{
		tap_skip("TLS", "no openssl command");
		rmdir(dir);
		return;
	}
	close(listen_somewhere(&port));
	pid = start_tls_server(dir, port, "-quiet");
	if (pid > 0 && wait_for_port(port))
		try_tls(dir, port);
	else
		tap_skip("TLS", "openssl's server does not start");
	if (pid > 0)
	{
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	try_old_tls(dir);
	remove_certificate(dir);
}

int
main(void)
{
	server_start();
	test_tls();
	server_stop();
	return tap_done();
}
