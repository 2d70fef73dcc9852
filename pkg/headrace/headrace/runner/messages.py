"""GitHub's own fixed texts for what goes wrong while a step runs. People search the web for them: they are kept to the letter."""

from __future__ import annotations

# Shells
INVALID_SHELL = (
    "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) or a format string containing '{0}'"
)
COMMAND_NOT_FOUND = "{command}: command not found"
INVALID_TEMPLATE = "Input string was not in a correct format."
INVALID_TEMPLATE_INDEX = "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."

# Commands on stdout and stderr
UNABLE_TO_PROCESS_COMMAND = "Unable to process command '{command}' successfully."
REQUIRED_FIELD = "Required field '{field}' is missing in ##[{command}] command."
EMPTY_VALUE = "Value cannot be null. (Parameter '{name}')"
INVALID_ECHO = "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{value}'."
EMPTY_MASK = "Can't add secret mask for empty string in ##[add-mask] command."
INVALID_STOP_TOKEN = (
    "You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command. "
    "For more information see: https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions"
    "#example-stopping-and-starting-workflow-commands or opt into insecure command execution by setting the "
    "`ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment variable to `true`."
)
COMMAND_DEPRECATED = (
    "The `{command}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. "
    "For more information see: "
    "https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
)
COMMAND_DISABLED = (
    "The `{command}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by "
    "setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: "
    "https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
)
BLOCKED_SET_ENV = "Can't update {name} environment variable using ::set-env:: command."
COMMAND_TOO_LONG = "The line is longer than {limit} bytes, which is more than a command may have."  # ours: GitHub knows no bound

# Problem matchers
MATCHER_FILE_MISSING = "File path must be specified."
REMOVE_MATCHER_BOTH = "Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set."
REMOVE_MATCHER_NONE = "Either an owner name or a file path must be specified in ##[remove-matcher] command."
MATCHER_OWNER = "Owner must not be empty"
MATCHER_SEVERITY = "Matcher '{owner}' contains unexpected default severity '{severity}'"
MATCHER_NO_PATTERNS = "Matcher '{owner}' does not contain any patterns"
MATCHER_NO_MESSAGE = "At least one pattern must set 'message'"
MATCHER_DUPLICATE = "Duplicate owner name '{owner}'"
MATCHER_LOOP_PLACE = "Only the last pattern in a multiline matcher may set 'loop'"
MATCHER_LOOP_MESSAGE = "The loop pattern must set 'message'"
MATCHER_TWICE = "The property '{name}' is set twice"
MATCHER_RANGE = "The property '{name}' is set to {value} which is out of range"
MATCHER_REMOVED = "Removing issue matcher '{owner}'. Matcher failed {attempts} times. Error: {error}"

# File commands
UNABLE_TO_PROCESS_FILE = "Unable to process file command '{kind}' successfully."
INVALID_FORMAT = "Invalid format '{line}'"
INVALID_HEREDOC = "Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
DELIMITER_NOT_FOUND = "Invalid value. Matching delimiter not found '{delimiter}'"
MISSING_NEW_LINE = "Invalid value. EOF marker missing new line."
FILE_TOO_LARGE = "The file is larger than {limit} MiB, which is more than a command file may have."  # ours: GitHub knows no bound
BLOCKED_ENV = "Can't store {name} output parameter using '$GITHUB_ENV' command."
SUMMARY_TOO_LARGE = (
    "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {limit}k, got {size}k. For more information see: "
    "https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
)

# Steps and jobs
EXIT_CODE = "Process completed with exit code {code}."
CANCELED = "The operation was canceled."
STEP_TIMEOUT = "The action '{name}' has timed out after {minutes} minutes."
INNER_TIMEOUT = "The action has timed out."
JOB_TIMEOUT = "The job running on runner {runner} has exceeded the maximum execution time of {minutes} minutes."
SKIPPED_OUTPUT = "Skip output '{name}' since it may contain secret."
OUTPUTS_TOO_LARGE = "The outputs of the job are larger than {limit} MB, which is more than GitHub takes."  # ours
WITHOUT_SUDO = (  # ours
    "On a hosted runner this would fail, or go elsewhere: the job changed {paths} without sudo, where its user may not write. "
    "Use sudo there."
)
ENVIRONMENT_URL = "Evaluate and set environment url\n"
EVALUATED_URL = "Evaluated environment url: {url}\n"
SKIPPED_URL = "Skip setting environment url as environment '{name}' may contain secret."
URL_FAILED = "Failed to evaluate environment url"
OUTPUTS_FAILED = "Fail to evaluate job outputs"
POST_CLEANUP = "Post job cleanup."
ACTION_LOAD = "Failed to load {file}"
LOCAL_NOT_FOUND = (
    "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{path}'. "
    "Did you forget to run actions/checkout before running your local action?"
)
TOO_DEEP = "Composite action depth exceeded max depth 9"
UNEXPECTED_INPUTS = "Unexpected input(s) {names}, valid inputs are [{valid}]"
DEPRECATED_INPUT = "Input '{name}' has been deprecated with message: {message}"
LOCAL_PRE = "`pre` execution is not supported for local action from '{path}'"

# Containers
INITIALIZE = "Initialize containers"
STOP = "Stop containers"
CONTAINER_FAILED = "Failed to initialize container {image}"
CONTAINERS_FAILED = "One or more containers failed to start."
PULL_FAILED = "the image {image} cannot be pulled: {why}"  # ours
NO_ENGINE = "{uses} runs in a container, and this run has no container engine"  # ours

# Limits of a job: ours
MEMORY_LIMIT = "memory limit: the job had used its {limit}, and {processes} of it had to be killed; --memory SIZE sets another"
MEMORY_SHORT = (
    "memory limit: all jobs together, or the machine, had no memory left, and {processes} of this one had to be killed; "
    "--max-parallel N runs fewer at once"
)
PROCESS_LIMIT = (
    "process limit: {times} no process could be started, since the job had {limit} or all jobs together too many; "
    "--processes N sets another"
)
DISK_LIMIT = "disk limit: the job's files take {used}, and may take {limit}; it was ended; --disk SIZE sets another"
DISK_FULL = "disk limit: less than {limit} are free on the disk, of which the job's files take {used}; it was ended"

# hashFiles
RELATIVE_PATTERN = "Invalid pattern '{pattern}'. Relative pathing '.' and '..' is not allowed."
HASH_SLOW = "hashFiles('{patterns}') couldn't finish within {seconds} seconds."
HASH_OPTION = "Invalid glob option {option}, avaliable option: '--follow-symbolic-links'."
