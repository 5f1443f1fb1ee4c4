rule train:
    """Train all runs of a cell. Each run's state is kept below state/, so that nothing finished is trained again."""
    input:
        # ancient: what is in a data set is part of the settings, when it was fetched is not
        data=ancient(lambda wildcards: stamps([cell(wildcards)])),
    output:
        records="results/{scale}/runs/{paper}/{experiment}/{arm}.parquet",
        costs="results/{scale}/costs/{paper}/{experiment}/{arm}.parquet",
    log:
        "logs/{scale}/train/{paper}/{experiment}/{arm}.log",
    benchmark:
        "benchmarks/{scale}/train/{paper}/{experiment}/{arm}.tsv"
    # Before exhibits, which then fill the cores that the last trainings leave idle.
    priority: 10
    # A second attempt goes on from the last checkpoint; a used-up time budget is not to be doubled by it.
    retries: 0 if PROJECT.user.minutes else 1
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=gpus,
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=minutes_of_cell,
    params:
        settings=settings_of_cell,
        code=code_of_cell,
        work=work_of_cell,
        changes=changes,
    message:
        "Training {wildcards.arm} on {wildcards.paper}/{wildcards.experiment} at scale {wildcards.scale}: {params.work}"
    shell:
        "python -m rnnrepro train {wildcards.paper}/{wildcards.experiment} --model {wildcards.arm}"
        " --scale {wildcards.scale} --threads {threads} --state state/{wildcards.scale} {params.changes:q}"
        " --output {output.records:q} --costs {output.costs:q} > {log:q} 2>&1"
