# The product guide's task examples, one for each type of agent, with a context,
# a priority and a timeout as its "Optional Parameters" have them.
package GuideTasks;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(%guide_tasks);
our %guide_tasks;

$guide_tasks{architect} = {
	priority => 'normal',
	timeout => 180,
	context => '{"scale": "1M requests/day", "existingStack": {"backend": "Python FastAPI", "database": "PostgreSQL 15", "cache": "Redis 7", "cloud": "Azure"}, "teamSize": 5, "timeline": "2 weeks", "securityRequirements": ["SOC2", "GDPR"], "performanceTargets": {"p95Latency": "200ms", "availability": "99.9%"}}',
	task => <<'TASK' };
Design a real-time notification system for a collaborative workspace application
that handles 100K concurrent connections.

Requirements:
- Push notifications to web and mobile clients
- Guaranteed delivery with persistence
- Message ordering per user
- Support for broadcast and targeted messages

Constraints:
- Technology: Azure (SignalR, Service Bus, Cosmos DB)
- Budget: Moderate ($2K-5K monthly)
- Timeline: 3 weeks for MVP

Expected output: Architecture diagram, component breakdown, scalability analysis
TASK

$guide_tasks{builder} = {
	priority => 'high',
	timeout => 120,
	context => '{"language": "Python 3.11", "framework": "FastAPI", "dependencies": ["SQLAlchemy 2.0", "bcrypt", "python-jose"], "testingFramework": "pytest"}',
	task => <<'TASK' };
Implement user registration API endpoint using Python FastAPI.

Functional Requirements:
- Accept email and password
- Validate email format
- Hash password with bcrypt (12 rounds)
- Store user in PostgreSQL database
- Return JWT token upon successful registration
- Send verification email

Technical Requirements:
- Language: Python 3.11+
- Framework: FastAPI with Pydantic v2
- Dependencies: SQLAlchemy 2.0, bcrypt, python-jose for JWT
- Error Handling: Return 400 for validation errors, 409 for duplicate email
- Testing: Unit tests with pytest covering happy path and edge cases

Expected output: Complete endpoint implementation, Pydantic models, unit tests, usage example
TASK

$guide_tasks{validator} = {
	priority => 'critical',
	timeout => 90,
	context => '{"validationType": "security", "standards": ["OWASP Top 10"], "severityThreshold": "medium", "code": "\u00fcber = \"quoted\\\\n\""}',
	task => <<'TASK' };
Review the attached authentication implementation for security vulnerabilities.

Focus Areas:
- SQL injection vulnerabilities
- Cross-site scripting (XSS)
- Password security (hashing, storage)
- Session management (JWT expiration, refresh tokens)
- Input validation and sanitization
- Rate limiting for login attempts

Severity Priorities:
1. Critical: Vulnerabilities allowing unauthorized access or data breach
2. High: Security weaknesses requiring immediate fix
3. Medium: Best practice violations with moderate risk

Expected output: Categorized issues with code examples of fixes, security score, approval status
TASK

$guide_tasks{scribe} = {
	priority => 'low',
	timeout => 300,
	context => '{"audience": "developer", "format": "OpenAPI", "includeExamples": true, "depth": "comprehensive"}',
	task => <<'TASK' };
Generate comprehensive API documentation for user management endpoints.

Target Audience: External developers integrating with our API (intermediate level)

Required Sections:
- Overview and authentication
- Endpoint reference (all CRUD operations)
- Request/response schemas with examples
- Error codes and troubleshooting
- Rate limiting and pagination
- Code examples in curl, Python, JavaScript

Format: OpenAPI 3.0 specification + Markdown guide
Examples: Include full request/response examples for each endpoint

Expected output: OpenAPI spec file + comprehensive API guide ready for developer portal
TASK

1;
