/*
 * hooks.h
 *		Commands of others that concern our workers, and what we do about them.
 */
#ifndef AS_HOOKS_H
#define AS_HOOKS_H

#include "postgres.h"

extern void as_hooks_install(void);

#endif							/* AS_HOOKS_H */
