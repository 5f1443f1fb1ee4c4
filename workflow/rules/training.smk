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
    # A second attempt goes on from the last checkpoint; a used-up time budget is not to be doubled by it. On a cluster
    # there are more of them (set_up_cluster).
    retries: again(0 if PROJECT.user.minutes else 1)
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        **training(),
    params:
        settings=settings_of_cell,
        code=code_of_cell,
        work=work_of_cell,
        changes=changes,
        time=time_of_cell,
    message:
        "Training {wildcards.arm} on {wildcards.paper}/{wildcards.experiment} at scale {wildcards.scale}: {params.work}"
    # exec: no shell is left between Snakemake and the trainer that a signal would end before the trainer has saved.
    # planned: the trainer reads the settings itself; were they changed since, Snakemake would take its results for those
    # of the settings that it knows.
    shell:
        "exec python -m rnnrepro train {wildcards.paper:q}/{wildcards.experiment:q} --model {wildcards.arm:q}"
        " --scale {wildcards.scale:q} --threads {threads} --state state/{wildcards.scale:q} {params.changes:q} {params.time:q}"
        " --planned {params.settings:q} --output {output.records:q} --costs {output.costs:q} > {log:q} 2>&1"
