import {
  IconActivity, IconAdjustmentsAlt, IconBox, IconDatabase, IconFlask, IconFolder, IconLayoutDashboard, IconListDetails, IconListSearch,
  IconPhoto, IconRocket, IconSchool, IconServer, IconSettings, IconTemplate,
} from "@tabler/icons-react";

import { paths } from "@/lib/paths";

/** Where one can go, by the product's resources. */
export const NAVIGATION = [
  { label: null, places: [{ label: "dashboard", to: paths.dashboard, icon: IconLayoutDashboard }] },
  {
    label: "groupTrain",
    places: [
      { label: "experiments", to: paths.experiments.list, icon: IconFlask },
      { label: "trainings", to: paths.trainings.list, icon: IconSchool },
      { label: "tunings", to: paths.tunings.list, icon: IconAdjustmentsAlt },
      { label: "templates", to: paths.templates.list, icon: IconTemplate },
    ],
  },
  {
    label: "groupServe",
    places: [
      { label: "models", to: paths.models.list, icon: IconBox },
      { label: "endpoints", to: paths.endpoints.list, icon: IconRocket },
    ],
  },
  {
    label: "groupMachine",
    places: [
      { label: "storage", to: paths.storage(), icon: IconFolder },
      { label: "images", to: paths.images, icon: IconPhoto },
      { label: "queue", to: paths.queue, icon: IconListDetails },
      { label: "logs", to: paths.logs, icon: IconListSearch },
      { label: "monitoring", to: paths.monitoring, icon: IconActivity },
      { label: "disk", to: paths.disk, icon: IconDatabase },
      { label: "settings", to: paths.settings, icon: IconSettings },
    ],
  },
] as const;

export type Place = (typeof NAVIGATION)[number]["places"][number];
export const PLACES: readonly Place[] = NAVIGATION.flatMap((group): readonly Place[] => group.places);

export const PRODUCT_ICON = IconServer;
