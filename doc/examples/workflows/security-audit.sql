-- Scan, fix, verify, report. The score is a metric: it is shown with the result.
-- Fixing has five retries, since nothing can be verified without it.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('security-audit-sequential-prod',
--		jsonb_build_object('code', pg_read_file('/path/to/the/code.py')));

SELECT agent_studio.as_create_workflow('security-audit-sequential-prod', 'sequential', $definition$
{
  "inputs": {
    "code": "string",
    "scope": {"type": "string", "default": "the OWASP Top 10"}
  },

  "steps": [
    {"name": "scan", "agent": "validator-agent-security-prod",
     "task": "Scan this code for vulnerabilities within {scope}.\n\n{code}",
     "outputs": {"vulnerabilities": "array"}},

    {"name": "fix", "agent": "builder-agent-python-prod",
     "task": "Fix every vulnerability of this list.\n\n{vulnerabilities}\n\n{code}",
     "inputs": {"vulnerabilities": "scan.vulnerabilities"},
     "outputs": {"patched_code": {"type": "string", "file_name": "patched.py"}},
     "retry": {"max_retries": 5}},

    {"name": "verify", "agent": "validator-agent-security-prod",
     "task": "Verify that none of these vulnerabilities is left.\n\n{vulnerabilities}\n\n{patched_code}",
     "inputs": {"vulnerabilities": "scan.vulnerabilities", "patched_code": "fix.patched_code"},
     "outputs": {"verdict": {"type": "enum", "values": ["fixed", "open"]},
                 "security_score": {"type": "number", "metric": {"label": "Security score", "unit": "/10"}},
                 "evidence": "string"},
     "rules": [{"if": "$.verdict == \"open\"", "then": "notify", "severity": "error",
                "message": "A vulnerability is still open: {evidence}"}]},

    {"name": "report", "agent": "scribe-agent-api-docs-prod",
     "task": "Write an audit report for the management.\n\nFound: {vulnerabilities}\nVerdict: {verdict}, score {security_score} of 10\nEvidence: {evidence}",
     "inputs": {"vulnerabilities": "scan.vulnerabilities", "verdict": "verify.verdict",
                "security_score": "verify.security_score", "evidence": "verify.evidence"},
     "outputs": {"audit_report": {"type": "string", "file_name": "audit_report.md"}}}
  ]
}
$definition$,
	title => 'Security Audit',
	description => 'Scans code for vulnerabilities, has them fixed, verifies the fixes, and reports.',
	environment => 'production', tags => ARRAY['security', 'audit']);
