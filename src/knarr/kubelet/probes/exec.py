"""exec: does a command in the container exit with 0?"""

from __future__ import annotations

from knarr.kubelet.cri.runtime import RuntimeFailure
from knarr.kubelet.environment import expand_all
from knarr.kubelet.objects import ExecAction
from knarr.kubelet.probes.check import Check, CheckError, Outcome, Result, Target, failed

_SHOWN = 10 * 1024  # bytes of output


async def ask(target: Target, action: ExecAction, timeout: float) -> Result:
    literal = [(variable.name, variable.value) for variable in target.container.env if not variable.value_from]
    command = expand_all(action.command, literal)
    try:
        done = await target.runtime.exec_sync(target.container_id, command, timeout)
    except RuntimeFailure as failure:
        if failure.code == "DeadlineExceeded":
            return failed(f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
        raise CheckError(str(failure)) from failure
    output = (done.stdout + done.stderr)[:_SHOWN].decode(errors="replace")
    return failed(output) if done.exit_code else Result(Outcome.SUCCESS, output)


CHECK = Check("exec", ask)
