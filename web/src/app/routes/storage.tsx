import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, useSearchParams } from "react-router";

import { PageHeader } from "@/components/PageHeader";
import { Containers } from "@/features/storage/components/Containers";
import { CreateContainer } from "@/features/storage/components/CreateContainer";
import { Folder } from "@/features/storage/components/Folder";
import { UploadList } from "@/features/storage/components/UploadList";
import { paths } from "@/lib/paths";
import { objectsQuery, placeOf, uriOf, type Place } from "@/lib/storage";

/** True once it is known that an address is a file's: its list has one entry, which is itself, as a folder's may, too. */
function useIsFile(place: Place | null): boolean {
  const name = place?.parts.at(-1);
  const list = useQuery({ ...objectsQuery(place === null ? "" : uriOf(place)), enabled: name !== undefined, retry: false }).data;
  const couldBe = place !== null && list?.length === 1 && list[0]?.isDirectory === false && list[0].name === name;
  const above = useQuery({ ...objectsQuery(couldBe ? uriOf({ ...place, parts: place.parts.slice(0, -1) }) : ""), enabled: couldBe, retry: false }).data;
  return couldBe && above?.find((entry) => entry.name === name)?.isDirectory === false;
}

/** Containers, or what lies at the address in `uri`; `file` opens one of its files. */
export default function StoragePage() {
  const { t } = useTranslation("storage");
  const [params] = useSearchParams();
  const place = placeOf(params.get("uri") ?? "");
  const isFile = useIsFile(place);
  const storage = t("storage", { ns: "shell" });
  if (place === null) {
    return (
      <>
        <PageHeader title={storage} actions={<CreateContainer />} />
        <UploadList />
        <Containers />
      </>
    );
  }
  if (isFile) {
    const folder = paths.storage(uriOf({ ...place, parts: place.parts.slice(0, -1) }));
    return <Navigate replace to={`${folder}&file=${encodeURIComponent(place.parts.at(-1) ?? "")}`} />;
  }
  const trail = [
    { label: storage, to: paths.storage() },
    ...[place.root, ...place.parts].slice(0, -1).map((label, depth) => ({ label, to: paths.storage(uriOf({ ...place, parts: place.parts.slice(0, depth) })) })),
  ];
  return (
    <>
      <PageHeader title={place.parts.at(-1) ?? place.root} trail={trail} />
      <UploadList />
      <Folder place={place} key={uriOf(place)} />
    </>
  );
}
