#[track_caller]
fn find(at: usize) -> Result<u32, Missing> {
    static __SITE: ::candor::__private::Site = ::candor::__private::Site::new(
        &__SITE,
        ::candor::__private::Spec::step(
            "find",
            ::candor::__private::core::module_path!(),
            ::candor::__private::core::file!(),
            ::candor::__private::core::line!(),
        ),
    );
    let __step = ::candor::__private::StepGuard::enter(&__SITE)
        .unread({
            use ::candor::__private::probe::*;
            (&&::candor::__private::Kind::<Result<u32, Missing>>::of()).unread()
        });
    let __value: Result<u32, Missing> = {
        let () = ();
        if at == 0 {
            {
                let __value: Result<u32, Missing> = Err(Missing);
                #[allow(unreachable_code)]
                {
                    __step
                        .read(
                            &__value,
                            |__value| {
                                use ::candor::__private::probe::*;
                                (&&&&&&&&::candor::__private::Returned(__value)).ending()
                            },
                        );
                    return __value;
                }
            };
        }
        look(at)
    };
    #[allow(unreachable_code)]
    {
        __step
            .read(
                &__value,
                |__value| {
                    use ::candor::__private::probe::*;
                    (&&&&&&&&::candor::__private::Returned(__value)).ending()
                },
            );
        return __value;
    }
}
