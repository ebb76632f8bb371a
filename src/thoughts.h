/*
 * thoughts.h
 *		Turns a stream of fragments into output, and into lines worth reading.
 *
 * Two small machines, both pure:
 *
 * - AnswerSplitter takes the content that a model streams and separates the
 *	 answer from <think>...</think> (or <thinking>...</thinking>) sections and
 *	 from progress lines.  A section is recognised only at the very start of
 *	 the answer (white space may precede it), so that an answer which speaks
 *	 about such tags keeps them.  Progress lines are looked for only when the
 *	 agent asked for them: a line of its own that begins with "[[progress]] ".
 *	 Inside fenced code (``` or ~~~) nothing is taken out.  Everything else
 *	 reaches the output byte for byte, and as early as possible: only bytes
 *	 that may still turn out to be a mark are held back.
 *
 * - LineJoiner collects reasoning fragments into lines: a line ends at a
 *	 newline, after a sentence (". ", "! ", "? " and their CJK forms) once it
 *	 has at least LINE_GOOD bytes, at a space once it has LINE_LONG bytes, and in
 *	 any case before LINE_MAX_BYTES, always between characters.  Surrounding white space
 *	 is trimmed, empty lines are dropped.
 */
#ifndef AS_THOUGHTS_H
#define AS_THOUGHTS_H

#include "buf.h"

#define PROGRESS_MARK	"[[progress]] "
#define LINE_GOOD		60
#define LINE_LONG		240
#define LINE_MAX_BYTES	400

typedef struct AnswerSplitter
{
	bool		want_progress;
	int			state;			/* private */
	int			line;			/* private: what the current line is so far */
	char		mark;			/* private: the line begins with this mark... */
	int			mark_count;		/* ...so many times */
	bool		rest_blank;		/* private: nothing but white space after them */
	bool		rest_backtick;	/* private: a backtick after them */
	int			fence_length;	/* private: inside a code fence of this many marks */
	char		fence_mark;		/* private */
	Buf			held;			/* private: what may still become a mark */
} AnswerSplitter;

extern void splitter_init(AnswerSplitter *splitter, bool want_progress);
extern void splitter_free(AnswerSplitter *splitter);

/*
 * Feeds valid UTF-8.  Appends to out the answer, to reasoning the text of think
 * sections, to progress whole progress lines without their mark, each ended by LF.
 */
extern void splitter_feed(AnswerSplitter *splitter, const char *text, size_t len,
						  Buf *out, Buf *reasoning, Buf *progress);
extern void splitter_finish(AnswerSplitter *splitter,
							Buf *out, Buf *reasoning, Buf *progress);

typedef void (*LineCallback) (void *arg, const char *line, size_t len);

typedef struct LineJoiner
{
	Buf			line;
} LineJoiner;

extern void joiner_init(LineJoiner *joiner);
extern void joiner_free(LineJoiner *joiner);
extern void joiner_feed(LineJoiner *joiner, const char *text, size_t len,
						LineCallback callback, void *arg);

/* Delivers what has gathered: at the end, or when nothing came for a while. */
extern void joiner_flush(LineJoiner *joiner, LineCallback callback, void *arg);

#endif							/* AS_THOUGHTS_H */
