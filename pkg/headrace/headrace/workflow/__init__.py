"""What a workflow file says: YAML bytes → `Workflow`, every value with its position, or a list of positioned problems.

Never evaluates an event, never looks at the repository. Called files come through a `WorkflowSource`.
"""
