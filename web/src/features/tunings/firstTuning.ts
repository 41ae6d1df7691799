/** The first tuning as README has it, for a page that has none yet. */
export const FIRST_CLI = `easymaker-local tuning run --name iris-lr --experiment demo --image "Ubuntu 22.04 CPU PyTorch Training" --flavor m2.c1m2 \\
    --source demo/iris-pytorch --entry-point train.py --dataset train=demo/iris --model-output demo/models/iris-lr \\
    --double lr=0.001:0.1 --discrete batch_size=8,16,32 --int epochs=10:30 --metric Validation-accuracy --metric Validation-loss \\
    --objective Validation-loss --minimize --strategy bayesian --max-trials 6 --parallel 2`;

export const FIRST_SDK = `import easymaker

easymaker.init(appkey="local", profile="local")
experiment = easymaker.Experiment().create(experiment_name="demo")
tuning = easymaker.HyperparameterTuning().run(
    experiment_id=experiment.experiment_id,
    hyperparameter_tuning_name="iris-lr",
    image_name="Ubuntu 22.04 CPU PyTorch Training",
    instance_type_name="m2.c1m2",
    source_dir_uri="obs://local/v1/AUTH_local/demo/iris-pytorch",
    entry_point="train.py",
    model_upload_uri="obs://local/v1/AUTH_local/demo/models/iris-lr",
    dataset_list=[easymaker.Dataset(dataset_name="train", data_uri="obs://local/v1/AUTH_local/demo/iris")],
    hyperparameter_spec_list=[
        easymaker.HyperparameterSpec(
            hyperparameter_name="lr", hyperparameter_type_code=easymaker.HyperparameterTypeCode.DOUBLE,
            hyperparameter_min_value="0.001", hyperparameter_max_value="0.1",
        ),
    ],
    metric_list=[easymaker.Metric(name="Validation-loss")],
    objective_metric_name="Validation-loss",
    objective_type_code=easymaker.ObjectiveTypeCode.MINIMIZE,
    tuning_strategy_name=easymaker.TuningStrategy.BAYESIAN_OPTIMIZATION,
    max_trial_count=6,
    wait=False,
)`;
