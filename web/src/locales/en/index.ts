import common from "./common";
import shell from "./shell";
import dashboard from "./dashboard";
import experiments from "./experiments";
import trainings from "./trainings";
import templates from "./templates";
import tunings from "./tunings";
import models from "./models";
import endpoints from "./endpoints";
import images from "./images";
import storage from "./storage";
import queue from "./queue";
import logs from "./logs";
import monitoring from "./monitoring";
import disk from "./disk";
import logViewer from "./logViewer";
import settings from "./settings";

export default { common, shell, dashboard, experiments, trainings, templates, tunings, models, endpoints, images, storage, queue, logs, monitoring, disk, settings, logViewer };
