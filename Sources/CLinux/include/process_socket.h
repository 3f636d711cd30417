/*
 * Sockets between agent and supervisors. Any thread may call these.
 */
#ifndef CLINUX_PROCESS_SOCKET_H
#define CLINUX_PROCESS_SOCKET_H

/* Sends a descriptor over a socket of packets. Returns 0 or an errno value. */
int process_send_descriptor(int socket, int descriptor);

/*
 * Connects to the Unix socket `name` in a folder whose path may be of any length. Returns a new descriptor, to be
 * closed by the caller, or a negative errno.
 */
int process_connect(const char *folder, const char *name);

/* Whether `port` of the loopback address is free for a listener now. */
int process_port_is_free(int port);

#endif
