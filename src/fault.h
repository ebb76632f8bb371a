/*
 * fault.h
 *		Places in the work of launcher and executor at which a test can strike.
 *
 * They exist in the tests' own build only (make FAULTS=1, test/faults/fault.c).
 * In every other build a point is nothing at all, and the library holds neither
 * its name nor any code for it.
 */
#ifndef AS_FAULT_H
#define AS_FAULT_H

#ifdef AGENT_STUDIO_FAULTS
extern void fault_point(const char *name);
#define FAULT_POINT(name)	fault_point(name)
#else
#define FAULT_POINT(name)	((void) 0)
#endif

#endif							/* AS_FAULT_H */
