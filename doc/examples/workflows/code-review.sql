-- Review, fix, review again. The second review sees the fixed code and the first one's
-- issues; where it does not approve, people take over.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('code-review-sequential-prod',
--		jsonb_build_object('code', pg_read_file('/path/to/the/code.py')));

SELECT agent_studio.as_create_workflow('code-review-sequential-prod', 'sequential', $definition$
{
  "inputs": {
    "code": "string",
    "standards": {"type": "string", "default": "OWASP Top 10, PEP 8"}
  },

  "steps": [
    {"name": "review", "agent": "validator-agent-security-prod",
     "task": "Review the code against {standards}.\n\n{code}",
     "outputs": {"report": "string", "issues": "array"}},

    {"name": "fix", "agent": "builder-agent-python-prod",
     "task": "Fix the issues in this code, and change nothing else.\n\nIssues: {issues}\n\n{code}",
     "inputs": {"issues": "review.issues"},
     "outputs": {"fixed_code": {"type": "string", "file_name": "fixed.py"}, "changes": "array"}},

    {"name": "review-again", "agent": "validator-agent-security-prod",
     "task": "Review the fixed code: is each of these issues gone, and is there no new one?\n\nIssues: {issues}\n\n{fixed_code}",
     "inputs": {"issues": "review.issues", "fixed_code": "fix.fixed_code"},
     "outputs": {"approval_status": {"type": "enum", "values": ["approved", "failed"]}, "report": "string"},
     "rules": [{"if": "$.approval_status == \"failed\"", "then": "manual_review",
                "message": "The fixes were not approved: {report}"}]}
  ]
}
$definition$,
	title => 'Code Review Pipeline',
	description => 'Finds issues, has them fixed, and looks whether they are gone.',
	environment => 'production', tags => ARRAY['review', 'security']);
